import { quoteValue } from '../../oci/error.ts';
import type { EstateDraft, PolicyDraft } from './estate-draft.ts';
import type { ConnectionPart } from './estate-file.ts';
import { pinnedNote, readImage, repositoryNames, urlOf } from './image.ts';
import type { Fields, Source } from './source.ts';
import { tagSet } from './tag-set.ts';

const kindLeftOut: Readonly<Record<string, string>> = {
  Charts:
    'Tidemark mirrors images, and does not read charts. List the images of the charts, and charts in registries as images.',
  Files: 'Tidemark mirrors what is in registries, and no files.',
};

const prefix = 'hauler.dev/';

/** Fields of an image that an annotation of the document may set for all of its images (hauler's cmd/hauler/cli/store/sync.go). */
const annotated = [
  'key',
  'use-tlog-verify',
  'certificate-identity',
  'certificate-identity-regexp',
  'certificate-oidc-issuer',
  'certificate-oidc-issuer-regexp',
  'certificate-github-workflow-repository',
  'platform',
  'exclude-extras',
  'ca-file',
  'insecure-skip-tls-verify',
] as const;
type Annotated = (typeof annotated)[number];

/** A field of an image, or the annotation in its place. */
type Read = (name: Annotated) => Source | undefined;

/**
 * Converts the Images of hauler's manifests, `content.hauler.cattle.io/v1`, all documents of the file (docs.hauler.dev, "Hauler Manifests";
 * hauler-dev/hauler, pkg/apis/hauler.cattle.io/v1/image.go).
 */
export function convertHauler(documents: readonly Source[], draft: EstateDraft): void {
  for (const document of documents) {
    const fields = document.fields();
    fields.ignore('apiVersion');
    const kind = fields.get('kind')?.text() ?? '';
    if (kind === 'Images') convertImages(fields, draft);
    else {
      document.findings.leftOut(
        fields.get('spec') ?? document,
        kindLeftOut[kind] ?? `The kind ${quoteValue(kind)} is not known. Images, Charts and Files are.`,
      );
      fields.all();
    }
  }
}

function convertImages(fields: Fields, draft: EstateDraft): void {
  const metadata = fields.get('metadata')?.fields();
  metadata?.ignore(...metadata.names().filter((name) => name !== 'annotations'));
  const annotations = metadata?.get('annotations')?.fields();
  annotations?.ignore(...annotations.names().filter((name) => !name.startsWith(prefix)));
  const registry = annotations?.get(`${prefix}registry`)?.text();
  annotations?.leaveOut({
    [`${prefix}store`]: 'Tidemark has one store.',
    [`${prefix}retries`]: 'Set maxRetries of the remotes instead.',
  });
  annotations?.ignore(...annotated.map((name) => `${prefix}${name}`));
  const spec = fields.get('spec')?.fields();
  for (const image of spec?.get('images')?.list() ?? []) {
    const own = image.fields();
    convertImage(image, own, {
      registry,
      read: (name) => own.get(name) ?? annotations?.get(`${prefix}${name}`),
      draft,
    });
  }
}

interface Context {
  readonly registry: string | undefined;
  readonly read: Read;
  readonly draft: EstateDraft;
}

function convertImage(entry: Source, fields: Fields, { registry, read, draft }: Context): void {
  const name = fields.get('name')?.text() ?? '';
  const rewrite = fields.get('rewrite');
  const platform = read('platform')?.text();
  const connection = readConnection(read);
  const policy = readPolicy(entry, read);
  const image = readImage(registry === undefined || hasHost(name) ? name : `${registry}/${name}`);
  if (fields.get('local')?.boolean() === true)
    entry.findings.leftOut(entry, 'It is an image of the local docker daemon; a remote is a registry.');
  else if ('mistake' in image) entry.findings.leftOut(entry, image.mistake);
  else {
    const { tag = 'latest', digest } = image;
    if (digest !== undefined && image.tag !== undefined) entry.findings.differs(entry, pinnedNote);
    const rewritten = rewrite === undefined ? undefined : readRewrite(rewrite, tag);
    draft.add({
      about: entry,
      names: rewritten === undefined ? repositoryNames(image) : [rewritten],
      url: urlOf(image.host),
      upstreamName: image.name,
      connection,
      tags: [tagSet({ names: [digest ?? tag] })],
      platforms: platform === undefined || platform === 'all' ? undefined : [platform],
      policy,
    });
  }
}

function hasHost(name: string): boolean {
  const first = name.slice(0, Math.max(name.indexOf('/'), 0));
  return /[.:]/.test(first) || first === 'localhost';
}

/** The repository's name. A host is dropped, and a tag has to be the image's own. */
function readRewrite(source: Source, tag: string): string | undefined {
  const text = (source.text() ?? '').replace(/^\/+/, '');
  const image = readImage(hasHost(text) ? text : `localhost/${text}`);
  if ('mistake' in image) {
    source.findings.leftOut(source, image.mistake);
    return undefined;
  }
  if (image.tag !== undefined && image.tag !== tag)
    source.findings.differs(source, `Tidemark keeps the names of tags: ${quoteValue(tag)} stays.`);
  return image.name;
}

function readConnection(read: Read): ConnectionPart {
  const authority = read('ca-file')?.text();
  const extras = read('exclude-extras');
  if (extras?.boolean() === true)
    extras.findings.differs(
      extras,
      'Tidemark always copies signatures and other referrers of the images it syncs.',
    );
  const skipsVerification = read('insecure-skip-tls-verify')?.boolean() === true && authority === undefined;
  return {
    sslCaCertificate: authority === undefined ? undefined : { file: authority },
    sslValidation: skipsVerification ? false : undefined,
  };
}

/** A key decides alone where there is one, as in hauler. */
function readPolicy(entry: Source, read: Read): PolicyDraft | undefined {
  const key = read('key')?.text();
  const [subject, issuer] = [read('certificate-identity')?.text(), read('certificate-oidc-issuer')?.text()];
  const log = read('use-tlog-verify');
  if (log?.boolean() === true)
    log.findings.leftOut(log, 'Tidemark verifies signatures by a key without the transparency log.');
  const leftOut = [
    'certificate-identity-regexp',
    'certificate-oidc-issuer-regexp',
    'certificate-github-workflow-repository',
  ] as const;
  const unread = leftOut.flatMap((name) => read(name) ?? []);
  if (key !== undefined) return { keys: [{ file: key }] };
  for (const source of unread)
    source.findings.leftOut(
      source,
      'Tidemark compares the issuer exactly, and the subject exactly or with *. The image is converted without a check of its signatures: add a signature policy.',
    );
  if (subject === undefined || issuer === undefined || unread.length > 0) return undefined;
  entry.findings.toDo(
    entry,
    "Put Sigstore's trusted_root.json where the file names it: Tidemark never fetches it.",
  );
  return { identities: [{ issuer, subject }], trustedRoot: { file: 'trusted_root.json' } };
}
