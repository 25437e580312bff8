export interface IndexPageOptions {
  readonly temporalUiUrl: string | undefined;
}

/** The plain page of links at `/`. */
export function indexPage({ temporalUiUrl }: IndexPageOptions): string {
  const links = [
    link('/graphql', 'GraphQL API', 'POST queries here; subscriptions over graphql-ws'),
    link('/graphql/schema', 'Schema', 'the API with its descriptions'),
    link(
      '/v2/_catalog',
      'Registry',
      'docker, podman, skopeo and the like pull from /v2/; this is the list of repositories',
    ),
    link('/healthz', 'Health', 'whether the process lives'),
    link('/readyz', 'Readiness', 'whether database and blob store can be used'),
    link('/metrics', 'Metrics', 'for Prometheus'),
    ...(temporalUiUrl === undefined
      ? []
      : [link(temporalUiUrl, 'Temporal UI', 'the tasks and their histories')]),
  ];
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Tidemark</title></head>
<body>
<h1>Tidemark</h1>
<p>Exact, versioned copies of container repositories.</p>
<ul>
${links.join('\n')}
</ul>
</body>
</html>
`;
}

function link(href: string, name: string, what: string): string {
  return `<li><a href="${escapeHtml(href)}">${escapeHtml(name)}</a>: ${escapeHtml(what)}</li>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
