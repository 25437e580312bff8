const names = ['query', 'operationName', 'variables', 'extensions'];

/**
 * The problem with the URL of a GraphQL request, as a sentence. Parsers disagree on repeated parameters and on what follows a `#`, and all
 * must see the same query.
 */
export function checkParameters(url: string): string | undefined {
  const mark = url.search(/[?#]/);
  const path = mark < 0 ? url : url.slice(0, mark);
  if (mark < 0 || !/^\/graphql(?:\/|$)/.test(path)) return undefined;
  if (url.includes('#'))
    return 'The address has a #; expected it as %23 inside a parameter, and nowhere else.';
  const search = new URLSearchParams(url.slice(mark + 1));
  const repeated = names.find((name) => search.getAll(name).length > 1);
  return repeated === undefined
    ? undefined
    : `The parameter ${repeated} stands ${search.getAll(repeated).length} times in the address; expected it once.`;
}
