/** Reads out of PostgreSQL's own log which statements ran, and how long transactions took. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { clusterPaths } from '../src/embedded/postgres-cluster.ts';

export interface LoggedStatement {
  readonly backend: string;
  /** Since the epoch, when it had ended. */
  readonly endedMs: number;
  readonly durationMs: number;
  readonly text: string;
}

export interface StatementLog {
  /** What ran while the work was done, parsing and binding left out. */
  during(work: () => Promise<void>): Promise<LoggedStatement[]>;
  close(): Promise<void>;
}

/** `postgresql://…` of the embedded PostgreSQL on a data folder. */
export async function databaseUrl(dataDir: string): Promise<string> {
  const paths = clusterPaths(join(dataDir, 'postgres'));
  const [password, port] = await Promise.all([
    readFile(paths.password, 'utf8'),
    readFile(paths.port, 'utf8'),
  ]);
  return `postgresql://tidemark:${password.trim()}@127.0.0.1:${port.trim()}/tidemark`;
}

/** Switches the log of statements on. */
export async function openStatementLog(dataDir: string): Promise<StatementLog> {
  const client = new pg.Client({ connectionString: await databaseUrl(dataDir) });
  await client.connect();
  const { log } = clusterPaths(join(dataDir, 'postgres'));
  await client.query("alter system set log_line_prefix = '@@%n %p '");
  const logStatements = async (whichMs: 0 | -1): Promise<void> => {
    await client.query(`alter system set log_min_duration_statement = ${whichMs}`);
    await client.query('select pg_reload_conf()');
    // each backend sees it before its next statement
    await sleep(100);
  };
  return {
    async during(work) {
      await logStatements(0);
      const { size } = await stat(log);
      await work();
      await logStatements(-1);
      return parseLog((await readFile(log)).subarray(size).toString());
    },
    close: () => client.end(),
  };
}

function parseLog(text: string): LoggedStatement[] {
  return text.split('@@').flatMap((entry) => {
    const found =
      /^(\d+\.\d+) (\d+) LOG: {2}duration: (\d+\.\d+) ms {2}(?:statement|execute [^:]*): (.*)$/s.exec(entry);
    if (found === null) return [];
    const [, seconds, backend = '', duration, statement = ''] = found;
    // those that switch the log off
    if (/^(alter system|select pg_reload_conf)/.test(statement)) return [];
    return [
      { backend, endedMs: Number(seconds) * 1000, durationMs: Number(duration), text: statement.trim() },
    ];
  });
}

export interface LoggedTransaction {
  /** From its `begin` to the end of its `commit`. */
  readonly ms: number;
  readonly slowest: LoggedStatement;
}

/** The transaction that held a statement of this kind. */
export function findTransaction(statements: readonly LoggedStatement[], part: RegExp): LoggedTransaction {
  const marked = statements.find(({ text }) => part.test(text));
  const own = statements.filter(({ backend }) => backend === marked?.backend);
  const place = own.findIndex((statement) => statement === marked);
  const first = own.slice(0, place).findLastIndex(({ text }) => /^begin/i.test(text));
  const last = own.findIndex(({ text }, index) => index > place && /^commit/i.test(text));
  const [begin, commit] = [own[first], own[last]];
  const [slowest] = own.slice(first, last + 1).sort((a, b) => b.durationMs - a.durationMs);
  if (begin === undefined || commit === undefined || slowest === undefined)
    throw new Error(`No transaction with ${part.source} was logged.`);
  return { ms: commit.endedMs - begin.endedMs + begin.durationMs, slowest };
}
