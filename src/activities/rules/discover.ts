import { clearOutcomes, readMissing, settleOutcomes, stageOutcomes } from '../../db/rules/stage-outcomes.ts';
import type { FoundRepository, MissingRepository } from '../../db/rules/stage-outcomes.ts';
import { countRuleOutcomes, readRuleOutcomePages } from '../../db/rules/read-rules.ts';
import { setRuleReport } from '../../db/rules/rule-runs.ts';
import type { MirrorRule } from '../../db/schema/rules.ts';
import { addWarnings } from '../../db/tasks/task-warnings.ts';
import { TidemarkError, isTidemarkError, quoteValue } from '../../oci/error.ts';
import { namespacesOf } from '../../oci/hosts/discovery.ts';
import { isRepositoryName } from '../../oci/reference.ts';
import { openDiscovery } from '../../registry/discovery/discovery.ts';
import { openRepositoryFilter } from '../../selection/globs.ts';
import { targetName } from '../../selection/rule-target.ts';
import { forEachConcurrently } from '../../upstream/limiter.ts';
import type { ActivityDeps } from '../deps.ts';
import { ruleOptions } from './rule-context.ts';
import type { RuleRun } from './rule-context.ts';

/** The names that are matched and staged at once. */
const batch = 500;
/** Repositories whose absence is checked at the same time. */
const checksAtOnce = 8;

/** Lists the upstream into the outcomes of the run, and decides about each repository. Changes nothing else. */
export async function discover(deps: ActivityDeps, run: RuleRun, signal: AbortSignal): Promise<void> {
  const { taskId, rule } = run;
  const em = () => deps.database.em.fork();
  // an earlier attempt may have listed a part
  await clearOutcomes(em(), taskId, rule.id);
  const filter = openRepositoryFilter(rule);
  let found = 0;
  let selected = 0;
  for await (const names of listNames(deps, run, signal))
    for (let from = 0; from < names.length; from += batch) {
      signal.throwIfAborted();
      const page = names.slice(from, from + batch).map(asText);
      found += page.length;
      const wanted = page.filter(filter);
      selected += await stageOutcomes(
        em(),
        taskId,
        wanted.map((name) => describe(rule, name)),
      );
      if (selected > rule.repositoriesAtMost) throw tooMany(rule);
    }
  await settleOutcomes(em(), taskId, rule.id);
  await checkMissing(deps, run, filter, signal);
  const counts = await countRuleOutcomes(em(), [taskId]);
  const outcomes = Object.fromEntries((counts[0] ?? []).map(({ outcome, count }) => [outcome, count]));
  await setRuleReport(em(), taskId, { found, ...outcomes });
  await warnOf(deps, run);
}

async function* listNames(
  deps: ActivityDeps,
  run: RuleRun,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const { rule } = run;
  if (rule.discovery === 'LIST') {
    yield rule.repositories ?? [];
    return;
  }
  if (rule.discovery === 'ECR') {
    yield* listEcr(deps, run, signal);
    return;
  }
  const namespaces = namespacesOf(rule.discovery, rule.includeRepositories) ?? [];
  const discovery = openDiscovery(rule.discovery, ruleOptions(deps, run, 'catalog'), namespaces);
  try {
    yield* discovery.list(signal);
  } finally {
    await discovery.close();
  }
}

function listEcr(
  { credentials }: ActivityDeps,
  { rule }: RuleRun,
  signal: AbortSignal,
): AsyncIterable<readonly string[]> {
  const { name, url, credentialId } = rule;
  if (typeof credentialId === 'number') return credentials.listRepositories(credentialId, url, signal);
  throw new TidemarkError(
    'CREDENTIAL_UNAVAILABLE',
    `The mirror rule ${quoteValue(name)} has discovery ECR and no credential. Give it one of the kind ECR (credentialId), or the names with discovery: LIST.`,
    { origin: 'caller' },
  );
}

/** PostgreSQL's text has no NUL and no half characters. */
function asText(name: string): string {
  return name.slice(0, 512).replaceAll('\0', '�').toWellFormed();
}

function describe(rule: MirrorRule, upstreamName: string): FoundRepository {
  const name = targetName(upstreamName, rule);
  if (isRepositoryName(name)) return { upstreamName, name, outcome: 'CREATE', reason: null };
  const reason = `${quoteValue(upstreamName)} would become ${quoteValue(name)}, which is not a repository name.`;
  return { upstreamName, name, outcome: 'LEFT_OUT', reason };
}

/** A repository that the list lacks has vanished only if the upstream says so when asked for it. */
async function checkMissing(
  deps: ActivityDeps,
  run: RuleRun,
  filter: (name: string) => boolean,
  signal: AbortSignal,
): Promise<void> {
  const { taskId, rule } = run;
  const missing = await readMissing(deps.database.em.fork(), taskId, rule.id);
  // what the rule no longer selects is no concern of it
  const ofRule = missing.filter(({ upstreamName }) => filter(upstreamName) && rule.discovery !== 'LIST');
  await forEachConcurrently(ofRule, { concurrency: checksAtOnce, signal }, async (one, laneSignal) => {
    const reason = one.isVanished ? null : await askPresence(deps, run, one, laneSignal);
    const { upstreamName, name, repositoryId } = one;
    const outcome = reason === null ? 'VANISHED' : 'PRESENT';
    await stageOutcomes(deps.database.em.fork(), taskId, [
      { upstreamName, name, repositoryId, outcome, reason },
    ]);
  });
}

/** Null: the upstream answers that there is no such repository. Otherwise, why it counts as present. */
async function askPresence(
  deps: ActivityDeps,
  run: RuleRun,
  { upstreamName }: MissingRepository,
  signal: AbortSignal,
): Promise<string | null> {
  const registry = deps.openRegistry(ruleOptions(deps, run, upstreamName));
  try {
    for await (const _ of registry.listTags({ signal, pageSize: 1 })) break;
    return 'The upstream does not list it, and answers its tags.';
  } catch (error) {
    signal.throwIfAborted();
    if (!isTidemarkError(error)) throw error;
    if (error.code === 'REPOSITORY_NOT_FOUND') return null;
    return `The upstream does not list it, and whether it is there cannot be told: ${error.message}`;
  } finally {
    await registry.close();
  }
}

function tooMany({ name, repositoriesAtMost }: MirrorRule): TidemarkError {
  return new TidemarkError(
    'TOO_MANY_REPOSITORIES',
    `The mirror rule ${quoteValue(name)} selects more than ${repositoriesAtMost} repositories. Nothing was changed. Narrow includeRepositories, or raise ` +
      'repositoriesAtMost.',
    { origin: 'caller' },
  );
}

const collisionsShown = 100;

/** Names the repositories that are left out, in the warnings of the task. */
async function warnOf({ database }: ActivityDeps, { taskId }: RuleRun): Promise<void> {
  const em = database.em.fork();
  for (const only of ['COLLIDES', 'LEFT_OUT'] as const) {
    const [page] = await readRuleOutcomePages(em, [taskId], {
      first: collisionsShown,
      after: undefined,
      only,
    });
    await addWarnings(
      em,
      taskId,
      (page?.rows ?? []).map(({ reason }) => `${reason ?? ''} It is left out.`),
    );
  }
}
