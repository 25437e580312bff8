import { TidemarkError } from '../../oci/error.ts';
import { EstateDraft } from './estate-draft.ts';
import { Findings } from './findings.ts';
import type { Finding } from './findings.ts';
import { convertHauler } from './hauler.ts';
import { convertImageset } from './imageset.ts';
import { parseSource } from './parse-source.ts';
import { convertRegsync } from './regsync/regsync.ts';
import { convertSkopeo, imageFields } from './skopeo/skopeo.ts';
import type { Source } from './source.ts';
import { sourceFormats } from './source-formats.ts';
import type { SourceFormat } from './source-formats.ts';
import { writeEstate } from './write-estate.ts';

export interface ConversionInput {
  readonly text: string;
  /** As it is named in positions: `regsync.yml`. */
  readonly file: string;
  /** Undefined: it is recognized. */
  readonly format?: SourceFormat | undefined;
  /** `name` of tidemark.yaml. */
  readonly name: string;
}

export interface Conversion {
  readonly format: SourceFormat;
  /** The text of tidemark.yaml. */
  readonly estate: string;
  readonly repositories: number;
  /** What was left out, what differs and what is left to do, in the order of the file. */
  readonly findings: readonly Finding[];
}

/**
 * Converts the file of another tool to tidemark.yaml.
 * @throws TidemarkError `INVALID` for a file that is not YAML, or that no known tool reads
 */
export function convertFile({ text, file, format, name }: ConversionInput): Conversion {
  const findings = new Findings();
  const documents = parseSource(text, file, findings);
  const [first, ...others] = documents;
  const recognized = format ?? (first === undefined ? undefined : recognize(first));
  if (first === undefined || recognized === undefined) throw unrecognized(file);
  const draft = new EstateDraft();
  if (recognized === 'hauler') convertHauler(documents, draft);
  else {
    for (const other of others) other.findings.leftOut(other, 'Only the first document of the file is read.');
    converters[recognized](first, draft);
  }
  const estate = draft.build(name);
  first.reportUnread();
  const found = findings.list();
  return {
    format: recognized,
    estate: writeEstate(estate, file, found),
    repositories: estate.repositories.length,
    findings: found,
  };
}

const converters = { regsync: convertRegsync, skopeo: convertSkopeo, imageset: convertImageset };

/** By what only this format has. Reading here marks nothing as read. */
function recognize(document: Source): SourceFormat | undefined {
  if (!document.isMapping) return undefined;
  const fields = document.peek();
  const version = fields.get('apiVersion')?.text() ?? '';
  if (version.startsWith('mirror.openshift.io/')) return 'imageset';
  if (version.startsWith('content.hauler.cattle.io/')) return 'hauler';
  if (fields.names().includes('sync')) return 'regsync';
  const hasImages = fields.all().some((one) => one.isMapping && one.peek().names().some(isImageField));
  return hasImages ? 'skopeo' : undefined;
}

function isImageField(name: string): boolean {
  return imageFields.some((field) => field === name);
}

function unrecognized(file: string): TidemarkError {
  return new TidemarkError(
    'INVALID',
    `${file} is not recognized as a file of regsync, skopeo sync, oc-mirror or hauler. Check the file, or name its format with --from ${sourceFormats.join('|')}.`,
    { origin: 'caller' },
  );
}
