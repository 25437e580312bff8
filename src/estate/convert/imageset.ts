import { RE2JS } from 're2js';
import { quoteValue } from '../../oci/error.ts';
import { patternMistake } from '../../selection/tag-patterns.ts';
import type { EstateDraft } from './estate-draft.ts';
import { pinnedNote, readImage, repositoryNames, urlOf } from './image.ts';
import type { Source } from './source.ts';
import { tagSet } from './tag-set.ts';

const catalogs = 'Tidemark mirrors images, and does not read the catalogs that name them';

const mirrorLeftOut: Readonly<Record<string, string>> = {
  platform:
    'Tidemark mirrors images, and does not follow the update graph of OpenShift. List the release images as additionalImages.',
  operators: `${catalogs}. List the images of the operators as additionalImages.`,
  helm: 'Tidemark mirrors images, and does not read charts. List the images of the charts as additionalImages.',
  samples: 'oc-mirror does not read it either.',
};

/**
 * Converts the images of an ImageSetConfiguration of oc-mirror, `mirror.openshift.io/v2alpha1` and `v1alpha2` (OpenShift Container Platform,
 * "ImageSet configuration parameters"; openshift/oc-mirror, internal/pkg/api/v2alpha1/type_config.go).
 */
export function convertImageset(root: Source, draft: EstateDraft): void {
  const fields = root.fields();
  fields.ignore('apiVersion', 'metadata');
  const kind = fields.get('kind');
  if (kind !== undefined && kind.text() !== 'ImageSetConfiguration') {
    kind.findings.leftOut(
      kind,
      `It is ${quoteValue(kind.text())}; only ImageSetConfiguration lists what to mirror.`,
    );
    fields.all();
    return;
  }
  fields.leaveOut({
    archiveSize: 'It is the size of archives; Tidemark keeps what it mirrors in its own store.',
    storageConfig: 'It is where oc-mirror keeps its state; Tidemark keeps its own in its database.',
  });
  const mirror = fields.get('mirror')?.fields();
  mirror?.leaveOut(mirrorLeftOut);
  const blocked = readBlocked(mirror?.get('blockedImages'));
  for (const entry of mirror?.get('additionalImages')?.list() ?? []) convertImage(entry, blocked, draft);
}

/** Regular expressions that Go searches for in the image's name. */
function readBlocked(source: Source | undefined): RE2JS[] {
  return (source?.list() ?? []).flatMap((item) => {
    const text = item.fields().get('name')?.text() ?? '';
    const mistake = text === '' ? 'It has no name.' : patternMistake(text);
    if (mistake === undefined) return [RE2JS.compile(text)];
    item.findings.leftOut(item, mistake);
    return [];
  });
}

function convertImage(entry: Source, blocked: readonly RE2JS[], draft: EstateDraft): void {
  const fields = entry.fields();
  const name = fields.get('name')?.text() ?? '';
  const targetRepo = fields.get('targetRepo')?.text();
  const targetTag = fields.get('targetTag');
  const platforms = fields.get('platforms')?.list().map(readPlatform);
  const withoutTransport = name.replace(/^docker:\/\//, '');
  if (blocked.some((pattern) => pattern.matcher(withoutTransport).find())) return;
  const image = readImage(name);
  if ('mistake' in image) {
    entry.findings.leftOut(entry, image.mistake);
    return;
  }
  const { tag = 'latest', digest } = image;
  if (digest !== undefined && (image.tag !== undefined || targetTag !== undefined))
    entry.findings.differs(entry, pinnedNote);
  else if (targetTag !== undefined && targetTag.text() !== tag)
    targetTag.findings.differs(targetTag, `Tidemark keeps the names of tags: ${quoteValue(tag)} stays.`);
  draft.add({
    about: entry,
    names: targetRepo === undefined ? repositoryNames(image) : [targetRepo],
    url: urlOf(image.host),
    upstreamName: image.name,
    connection: {},
    tags: [tagSet({ names: [digest ?? tag] })],
    platforms,
  });
}

function readPlatform(source: Source): string {
  const fields = source.fields();
  return `${fields.get('os')?.text() ?? ''}/${fields.get('architecture')?.text() ?? ''}`;
}
