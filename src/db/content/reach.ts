import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';

/**
 * The common table expression `reach(id)` of a recursive statement: the manifests that the query returns, and those below them.
 * @param isWalked Whether the walk follows `edge`, from `reach.id` to a child; default: always.
 */
export function reachFrom(roots: RawBuilder<unknown>, isWalked?: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`reach(id) as (
    ${roots}
    union
    select edge.child_id from reach join manifest_manifest edge on edge.parent_id = reach.id
    ${isWalked === undefined ? sql`` : sql`where ${isWalked}`}
  )`;
}
