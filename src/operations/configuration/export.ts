import { visibilityOf } from '../../access/viewer.ts';
import { countSection, readSectionPage } from '../../db/configuration/read-section.ts';
import type { SectionKind, SectionOf } from '../../db/configuration/read-section.ts';
import type { Page } from '../../db/reads/read-page.ts';
import type { Present, Values } from './configuration.ts';
import { isSameJson } from './values.ts';
import type { Kind, Reader } from './kind.ts';
import { kindOf } from './kinds.ts';
import { scheduleKind } from './schedule-kind.ts';

/** One thing of the running state, as tidemark.yaml says it. */
export interface Exported {
  readonly id: number;
  readonly name: string;
  /** Without defaults and secrets. */
  readonly values: Values;
  /** The secrets that it has. */
  readonly secrets: readonly string[];
}

export async function exportPage(
  reader: Reader,
  section: SectionKind,
  page: { readonly afterId: number; readonly first: number },
): Promise<Page<Exported>> {
  const { rows: ids, hasNext } = await readSectionPage(reader.em, sectionOf(reader, section), page);
  const kind = kindOf(section);
  const present = ids.length === 0 ? [] : await kind.read(reader, { ids });
  const schedules = await readSchedules(reader, section, present);
  const rows = present.map((one) => {
    const own = schedules
      .filter(({ name }) => name === one.name)
      .map(({ values }) => tidy(scheduleKind, values));
    const values = { ...tidy(kind, one.values), ...(own.length > 0 && { schedules: own }) };
    return { id: one.id, name: one.name, values, secrets: secretsOf(kind, one.values) };
  });
  return { rows, hasNext };
}

export function countExported(reader: Reader, section: SectionKind): Promise<number> {
  return countSection(reader.em, sectionOf(reader, section));
}

function sectionOf({ viewer, isAccessOn }: Reader, kind: SectionKind): SectionOf {
  return { kind, visibility: visibilityOf(viewer), isPrivate: isAccessOn };
}

async function readSchedules(
  reader: Reader,
  kind: SectionKind,
  present: readonly Present[],
): Promise<Present[]> {
  if (kind !== 'REPOSITORY' || present.length === 0) return [];
  return scheduleKind.read(reader, { names: present.map(({ name }) => name) });
}

/** What differs from the defaults, without secrets. */
function tidy(kind: Kind, values: Values): Values {
  const { secrets, defaults, withoutSecrets } = kind;
  const shown = Object.entries(values)
    .filter(([field, value]) => !secrets.includes(field) && !isSameJson(value, defaults[field]))
    .map(([field, value]) => [field, withoutSecrets?.(field, value) ?? value] as const);
  return Object.fromEntries(shown);
}

/** The fields with secrets that are stored. */
function secretsOf({ secrets, withoutSecrets }: Kind, values: Values): string[] {
  return Object.entries(values)
    .filter(([field, value]) =>
      secrets.includes(field)
        ? !isSameJson(value, null)
        : withoutSecrets !== undefined && withoutSecrets(field, value) !== value,
    )
    .map(([field]) => field);
}
