import { sql } from 'kysely';
import { expect } from 'vitest';
import { kysely } from '../../../src/db/sql.ts';
import type { StageWithApi } from '../../support/sync/stage-with-api.ts';
import { until } from '../../support/until.ts';
import { openCatalog } from './registry.ts';
import type { CatalogUpstream } from './registry.ts';

let rules = 0;

const taskFields = `id state finishedAt error { code message } warnings ruleProgress { found total done unchanged failed } ruleOutcomeCounts { outcome count }`;

interface Finished {
  readonly id: string;
  readonly state: string;
  readonly finishedAt: string;
  readonly error: { code: string; message: string } | null;
  readonly warnings: readonly string[];
  readonly ruleProgress: { found: number; total: number; done: number; unchanged: number; failed: number };
  readonly counts: Record<string, number>;
}

function countsOf(counts: readonly { outcome: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ outcome, count }) => [outcome, count]));
}

/** Steps of tests of mirror rules. */
export function ruleSteps(given: () => { readonly stage: StageWithApi; readonly opened: CatalogUpstream[] }) {
  async function catalogOf(names: readonly string[], pageSize?: number): Promise<CatalogUpstream> {
    const catalog = await openCatalog(names, pageSize);
    given().opened.push(catalog);
    return catalog;
  }
  async function createRule(catalog: CatalogUpstream, wish: object = {}) {
    rules += 1;
    const prefix = `rule${rules}`;
    const input = {
      name: prefix,
      url: catalog.upstream.url,
      targetPrefix: prefix,
      maxRetries: 0,
      ...wish,
    };
    const { mirrorRule, userErrors } = await given().stage.api.mutate(
      'mirrorRuleCreate',
      input,
      'mirrorRule { id name }',
    );
    expect(userErrors).toEqual([]);
    return { id: mirrorRule.id as string, prefix };
  }

  async function run(id: string, dryRun = false) {
    const { task, userErrors } = await given().stage.api.mutate(
      'mirrorRuleRun',
      { id, dryRun },
      'task { id }',
    );
    expect(userErrors).toEqual([]);
    return finish(task.id as string);
  }

  async function finish(id: string) {
    const read = () => given().stage.api.data(`query ($id: ID!) { task(id: $id) { ${taskFields} } }`, { id });
    await until(async () => !['WAITING', 'RUNNING'].includes((await read()).task.state as string));
    const { task } = await read();
    return { ...task, counts: countsOf(task.ruleOutcomeCounts) } as Finished;
  }

  async function outcomes(id: string, outcome: string | null = null) {
    const { task } = await given().stage.api.data(
      `query ($id: ID!, $outcome: RuleOutcomeKind) { task(id: $id) { ruleOutcomes(first: 100, outcome: $outcome) {
      totalCount nodes { name upstreamName outcome reason isUnchanged repository { isVanished vanishedAt lastSyncedAt } syncTask { state } } } } }`,
      { id, outcome },
    );
    return task.ruleOutcomes.nodes as {
      name: string;
      upstreamName: string;
      outcome: string;
      reason: string | null;
      isUnchanged: boolean;
      repository: { isVanished: boolean; vanishedAt: string | null; lastSyncedAt: string | null } | null;
      syncTask: { state: string } | null;
    }[];
  }

  /** Names and latest versions of the repositories below a prefix. */
  async function repositories(prefix: string): Promise<Record<string, number>> {
    const found = await sql<{ name: string; latest: number }>`
    select name, latest from repository where name ^@ ${`${prefix}/`} order by name`.execute(
      kysely(given().stage.harness.em()),
    );
    return Object.fromEntries(found.rows.map(({ name, latest }) => [name, latest]));
  }

  return { catalogOf, createRule, run, finish, outcomes, repositories };
}
