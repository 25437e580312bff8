import pg from 'pg';
import { clientKeepalive, limitVanishedClients } from './keepalive.ts';

export interface OwnConnectionOptions {
  readonly databaseUrl: string;
  /** The application name in PostgreSQL. */
  readonly name: string;
  /** Prepares a new connection. */
  readonly prepare?: (client: pg.Client) => Promise<void>;
  /** Called once for each connection that broke or could not be opened. */
  readonly onLost?: () => void;
}

/** A connection outside of the pool, for session state. */
export interface OwnConnection {
  /** Opens it unless it is open. */
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export function createOwnConnection(options: OwnConnectionOptions): OwnConnection {
  let connection: Promise<pg.Client> | undefined;

  async function open(forget: () => void): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: options.databaseUrl,
      application_name: options.name,
      connectionTimeoutMillis: 10_000,
      ...clientKeepalive,
    });
    client.on('error', forget);
    client.on('end', forget);
    await client.connect();
    await limitVanishedClients(client);
    await options.prepare?.(client);
    return client;
  }

  return {
    connect() {
      if (connection !== undefined) return connection;
      // Only its own events: those of a broken connection may arrive when the next is open.
      const forget = (): void => {
        if (connection !== opened) return;
        connection = undefined;
        options.onLost?.();
      };
      const opened = open(forget);
      connection = opened;
      opened.catch(forget);
      return opened;
    },
    async close() {
      const opened = connection;
      connection = undefined;
      await (await opened?.catch(() => undefined))?.end();
    },
  };
}
