import { createHash } from 'node:crypto';
import { readVersionMarks } from '../../../db/reads/tags/read-tag-changes.ts';
import type { VersionMark } from '../../../db/reads/tags/read-tag-changes.ts';
import { quoteValue } from '../../../oci/error.ts';
import type { TidemarkError } from '../../../oci/error.ts';
import { isTidemarkState, tidemarkState } from '../../../oci/hosts/tidemark-lists.ts';
import { refuse } from '../error.ts';
import type { Exchange } from '../exchange.ts';
import type { ServedVersion } from '../served-version.ts';

/*
 * The state of a repository, as another Tidemark remembers it: the number of a version, and a hash of the installation, the repository, the number
 * and the time of the version, and the policies that decide what is served. A repository that was made anew, a restored backup and a distribution
 * that serves another repository therefore have other states.
 */

/** Whether the same version serves the same content until the next one: not where tags are looked up at an upstream. */
function hasState({ number, tagTtlSeconds }: ServedVersion): boolean {
  return number > 0 && tagTtlSeconds === null;
}

function stateOf(served: ServedVersion, { number, installation, createdAtUs }: VersionMark): string {
  const { repositoryId, policies } = served;
  const identity = JSON.stringify([installation, repositoryId, number, createdAtUs, policies]);
  return `${number}-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

/** Announces the state of the version, if it has one. */
export async function announceState({ reply, em }: Exchange, served: ServedVersion): Promise<void> {
  if (!hasState(served)) return;
  const [mark] = await readVersionMarks(em, served.repositoryId, [served.number]);
  if (mark !== undefined) reply.header(tidemarkState.header, stateOf(served, mark));
}

export interface StatePair {
  readonly since: { readonly number: number; readonly state: string };
  readonly until: { readonly number: number; readonly state: string };
}

/**
 * The state that a client names, and the later one up to which it asks: default, the one that is served now.
 * @throws TidemarkError `STATE_INVALID`, `STATE_UNKNOWN`
 */
export async function parseStates(
  { query, em }: Exchange,
  name: string,
  served: ServedVersion,
): Promise<StatePair> {
  const since = parseState(query.get('since'), 'since');
  const until = query.has('until') ? parseState(query.get('until'), 'until') : undefined;
  if (!hasState(served)) throw unknown(name, since.state, 'the tags of this repository have no states');
  const upTo = until?.number ?? served.number;
  if (since.number > upTo || upTo > served.number)
    throw unknown(name, since.state, `version ${served.number} is served, which does not follow it`);
  const marks = await readVersionMarks(em, served.repositoryId, [since.number, upTo]);
  const stateAt = (wanted: number): string => {
    const mark = marks.find(({ number }) => number === wanted);
    if (mark === undefined) throw gone(name, since.state);
    return stateOf(served, mark);
  };
  for (const { number, state } of [since, until ?? since])
    if (stateAt(number) !== state)
      throw unknown(name, state, 'it is one of another repository, of a restored one, or of other policies');
  return { since, until: { number: upTo, state: stateAt(upTo) } };
}

function parseState(
  text: string | null,
  parameter: string,
): { readonly number: number; readonly state: string } {
  if (text !== null && isTidemarkState(text)) return { number: Number.parseInt(text, 10), state: text };
  throw refuse(
    'STATE_INVALID',
    `${parameter} is ${text === null ? 'missing' : quoteValue(text)}; expected a state that the header Tidemark-State of tags/list has announced.`,
  );
}

/** The version is not kept. */
export function gone(name: string, state: string): TidemarkError {
  return unknown(name, state, 'its version is not kept any more');
}

function unknown(name: string, state: string, reason: string): TidemarkError {
  return refuse(
    'STATE_UNKNOWN',
    `The changes of ${quoteValue(name)} since the state ${quoteValue(state)} cannot be told: ${reason}. Read the list of tags.`,
  );
}
