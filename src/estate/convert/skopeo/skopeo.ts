import { isDigest } from '../../../oci/digest.ts';
import { quoteValue } from '../../../oci/error.ts';
import { isTagName } from '../../../oci/tag-name.ts';
import type { EstateDraft } from '../estate-draft.ts';
import type { ConnectionPart, CredentialPart } from '../estate-file.ts';
import { readImage, repositoryNames, urlOf } from '../image.ts';
import { secretText, staticCredential } from '../secrets.ts';
import type { Fields, Source } from '../source.ts';
import { everyTag, tagSet } from '../tag-set.ts';
import type { TagSet } from '../tag-set.ts';
import { wholeTagPattern } from '../whole-tag-pattern.ts';
import { translateConstraint } from './masterminds-range.ts';

/** The fields of a registry by which skopeo's files are recognized. */
export const imageFields = ['images', 'images-by-tag-regex', 'images-by-semver'] as const;

/** How each of them says which tags of a repository to take. Undefined for what cannot be converted; the reason is reported. */
const readers: Readonly<Record<(typeof imageFields)[number], (source: Source) => TagSet | undefined>> = {
  images: readNames,
  'images-by-tag-regex': readPattern,
  'images-by-semver': readConstraint,
};

/** Converts the file of `skopeo sync --src yaml` (skopeo-sync(1), "YAML file content"; containers/skopeo, cmd/skopeo/sync.go). */
export function convertSkopeo(root: Source, draft: EstateDraft): void {
  for (const registry of root.fields().all()) {
    const fields = registry.fields();
    const host = readHost(registry);
    if (host === undefined) {
      registry.findings.leftOut(registry, `${quoteValue(registry.key)} is not the host of a registry.`);
      fields.all();
      continue;
    }
    const connection = readConnection(fields, host, draft);
    for (const field of imageFields)
      for (const repository of fields.get(field)?.fields().all() ?? []) {
        const image = readImage(`${host}/${repository.key}`);
        const tags = readers[field](repository);
        if ('mistake' in image || image.tag !== undefined || image.digest !== undefined)
          repository.findings.leftOut(
            repository,
            `${quoteValue(repository.key)} is not the name of a repository.`,
          );
        else if (tags !== undefined)
          draft.add({
            about: repository,
            names: repositoryNames(image),
            url: urlOf(image.host),
            upstreamName: image.name,
            connection,
            tags: [tags],
          });
      }
  }
}

function readHost({ key }: Source): string | undefined {
  const image = readImage(`${key}/a/b`);
  return 'mistake' in image || image.name !== 'a/b' ? undefined : image.host;
}

function readConnection(fields: Fields, host: string, draft: EstateDraft): ConnectionPart {
  const credential = readCredential(fields.get('credentials'), host);
  if (credential !== undefined) draft.addCredential(credential);
  const verify = fields.get('tls-verify');
  const verifies = verify?.boolean() !== false;
  if (verify !== undefined && !verifies)
    verify.findings.toDo(
      verify,
      `skopeo also tries ${host} without TLS. If the registry has none, write http:// in the url of its remotes.`,
    );
  fields.leaveOut({
    'cert-dir':
      'A remote takes certificates one by one. Set sslCaCertificate, sslClientCertificate and sslClientKey to {file: …} of that folder.',
  });
  return { credential: credential?.name, sslValidation: verifies ? undefined : false };
}

function readCredential(source: Source | undefined, host: string): CredentialPart | undefined {
  const fields = source?.fields();
  const password = fields?.get('password');
  const username = fields?.get('username')?.text();
  fields?.leaveOut({ identitytoken: 'Tidemark logs in by user name and password.' });
  if (source === undefined) return undefined;
  return staticCredential(source, host, {
    username,
    password: password === undefined ? undefined : secretText(password, host, 'PASSWORD'),
  });
}

/** Tags and digests; an empty list means every tag. */
function readNames(source: Source): TagSet | undefined {
  if (source.isEmpty) return everyTag;
  const items = source.list();
  const names = items.flatMap((item) => {
    const text = item.text() ?? '';
    if (isDigest(text) || isTagName(text)) return [text];
    item.findings.leftOut(item, `${quoteValue(text)} is neither a tag nor a digest of sha256 or sha512.`);
    return [];
  });
  return names.length > 0 ? tagSet({ names }) : undefined;
}

/** Go searches for the expression in the tag: it is not anchored. */
function readPattern(source: Source): TagSet | undefined {
  const whole = wholeTagPattern(source.text() ?? '');
  if ('pattern' in whole) return tagSet({ patterns: [whole.pattern] });
  source.findings.leftOut(source, whole.mistake);
  return undefined;
}

function readConstraint(source: Source): TagSet | undefined {
  const translated = translateConstraint(source.text() ?? '');
  if ('range' in translated) return tagSet({ ranges: [translated.range] });
  source.findings.leftOut(source, translated.mistake);
  return undefined;
}
