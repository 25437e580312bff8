import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { searchAttributeNames } from '../../workflows/search-attributes.ts';

const callMs = 10_000;
/** Temporal's frontend reads the attributes of its namespaces now and then. */
const usableMs = 20_000;
const pollMs = 250;
/** `INDEXED_VALUE_TYPE_KEYWORD` and `ALREADY_EXISTS` of Temporal's API. */
const keyword = 2;
const alreadyExists = 6;

export interface Registration {
  readonly connection: Connection;
  readonly namespace: string;
  readonly print: (line: string) => void;
}

/**
 * Registers the search attributes that the namespace lacks, and waits until they can be used. Without the rights to do so, it says what to
 * run; workflows then start without them.
 */
export async function registerSearchAttributes(registration: Registration): Promise<void> {
  const { namespace, print } = registration;
  const names = Object.values(searchAttributeNames);
  try {
    const present = await readAttributes(registration);
    const missing = names.filter((name) => !present.has(name));
    const wrong = names.filter((name) => present.has(name) && present.get(name) !== keyword);
    if (wrong.length > 0) {
      print(
        `The search attributes ${wrong.join(', ')} of Temporal's namespace ${namespace} have another type than Keyword. Workflows start without search attributes until they are removed and "tidemark migrate" is run again.`,
      );
      return;
    }
    if (missing.length > 0) await addAttributes(registration, missing);
    const isUsable = await waitUntilUsable(registration);
    print(
      missing.length === 0
        ? "Temporal's search attributes are there; nothing to do."
        : `Registered the search attributes ${missing.join(', ')} in Temporal's namespace ${namespace}.` +
            (isUsable ? '' : ' Temporal does not accept them yet.'),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    print(
      `Temporal's search attributes could not be registered: ${reason}. Workflows start without them. With the rights of an operator, run: ` +
        `temporal operator search-attribute create --namespace ${namespace} --type Keyword${names.map((name) => ` --name ${name}`).join('')}`,
    );
  }
}

/** Type by name. */
async function readAttributes({
  connection,
  namespace,
}: Registration): Promise<ReadonlyMap<string, number | undefined>> {
  const { customAttributes } = await connection.withDeadline(Date.now() + callMs, () =>
    connection.operatorService.listSearchAttributes({ namespace }),
  );
  return new Map(Object.entries(customAttributes ?? {}).map(([name, type]) => [name, type ?? undefined]));
}

async function addAttributes(
  { connection, namespace }: Registration,
  names: readonly string[],
): Promise<void> {
  const searchAttributes = Object.fromEntries(names.map((name) => [name, keyword]));
  try {
    await connection.withDeadline(Date.now() + callMs, () =>
      connection.operatorService.addSearchAttributes({ namespace, searchAttributes }),
    );
  } catch (error) {
    // Another process has registered them at the same time.
    if (!(error instanceof Error && 'code' in error && error.code === alreadyExists)) throw error;
  }
}

async function waitUntilUsable({ connection, namespace }: Registration): Promise<boolean> {
  const query = Object.values(searchAttributeNames)
    .map((name) => `${name} = 'none'`)
    .join(' AND ');
  const giveUpAt = performance.now() + usableMs;
  for (;;) {
    try {
      await connection.withDeadline(Date.now() + callMs, () =>
        connection.workflowService.countWorkflowExecutions({ namespace, query }),
      );
      return true;
    } catch {
      if (performance.now() > giveUpAt) return false;
      await sleep(pollMs);
    }
  }
}
