import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Em } from '../open-database.ts';
import { kysely } from '../sql.ts';

/*
 * The abilities of hosts, as syncs and looks have learned them (docs/decisions/0011-what-a-host-can-do.md). A scope is a host with all settings that
 * decide who answers for it. Times are the database's.
 */

export interface CapabilityKey {
  readonly scope: string;
  readonly capability: 'REFERRERS' | 'SIGNATURES';
}

export interface KnownCapability extends CapabilityKey {
  readonly verdict: 'SUSPECTED' | 'ABSENT' | 'PRESENT';
  /** A part of a sentence; null: present. */
  readonly reason: string | null;
  readonly leftMs: number;
}

export interface Evidence extends CapabilityKey {
  readonly host: string;
  /** The sync or look that asked. Only different ones confirm each other. */
  readonly witness: string;
  readonly objects: number;
  readonly reason: string;
  /** How long the absence is remembered once it is confirmed. */
  readonly absentMs: number;
}

const witnessesNeeded = 2;
const hourMs = 60 * 60 * 1000;
const suspectedMs = 24 * hourMs;
export const presentMs = 7 * 24 * hourMs;

const known: RawBuilder<KnownCapability> = sql`scope, capability, verdict, reason,
  extract(epoch from expires_at - clock_timestamp())::float8 * 1000 as "leftMs"`;

/** The rows of a scope that have not expired. */
export async function readCapabilities(em: Em, scope: string): Promise<KnownCapability[]> {
  const found = await sql<KnownCapability>`
    select ${known} from host_capability where scope = ${scope} and expires_at > clock_timestamp()`.execute(
    kysely(em),
  );
  return found.rows;
}

/** Adds the word of one sync or look. The second one makes the absence believed; a present capability stays present until it expires. */
export async function addAbsence(em: Em, evidence: Evidence): Promise<KnownCapability | undefined> {
  const { scope, capability, host, witness, objects, reason, absentMs } = evidence;
  const isOver = sql`h.expires_at <= clock_timestamp()`;
  const isConfirmed = sql`not ${isOver} and h.witnesses + 1 >= ${witnessesNeeded}`;
  const added = await sql<KnownCapability>`
    insert into host_capability as h
      (scope, capability, host, verdict, reason, objects, witnesses, last_witness, learned_at, expires_at)
    values (${scope}, ${capability}, ${host}, 'SUSPECTED', ${reason}, ${objects}, 1, ${witness}, clock_timestamp(), ${inMs(suspectedMs)})
    on conflict (scope, capability) do update set
      verdict = case when ${isConfirmed} then 'ABSENT' else 'SUSPECTED' end,
      expires_at = case when ${isConfirmed} then ${inMs(absentMs)} else excluded.expires_at end,
      objects = case when ${isOver} then excluded.objects else h.objects + excluded.objects end,
      witnesses = case when ${isOver} then 1 else h.witnesses + 1 end,
      last_witness = excluded.last_witness, reason = excluded.reason, learned_at = excluded.learned_at
    where ${isOver} or h.verdict = 'SUSPECTED' and h.last_witness <> excluded.last_witness
    returning ${known}`.execute(kysely(em));
  return added.rows[0];
}

export async function setPresent(
  em: Em,
  { scope, capability, host, witness }: Pick<Evidence, 'scope' | 'capability' | 'host' | 'witness'>,
): Promise<KnownCapability | undefined> {
  const added = await sql<KnownCapability>`
    insert into host_capability
      (scope, capability, host, verdict, objects, witnesses, last_witness, learned_at, expires_at)
    values (${scope}, ${capability}, ${host}, 'PRESENT', 1, 1, ${witness}, clock_timestamp(), ${inMs(presentMs)})
    on conflict (scope, capability) do update set verdict = 'PRESENT', reason = null, objects = 1, witnesses = 1,
      last_witness = excluded.last_witness, learned_at = excluded.learned_at, expires_at = excluded.expires_at
    returning ${known}`.execute(kysely(em));
  return added.rows[0];
}

/** Forgets an absence. A present capability stays. */
export async function dropAbsence(em: Em, { scope, capability }: CapabilityKey): Promise<void> {
  await sql`
    delete from host_capability where scope = ${scope} and capability = ${capability} and verdict <> 'PRESENT'`.execute(
    kysely(em),
  );
}

/** A remote that has changed has another scope, so its rows expire and are never read again. */
export async function removeExpiredCapabilities(em: Em): Promise<void> {
  await sql`delete from host_capability where expires_at <= clock_timestamp()`.execute(kysely(em));
}

function inMs(milliseconds: number): RawBuilder<Date> {
  return sql`clock_timestamp() + make_interval(secs => ${milliseconds / 1000}::float8)`;
}
