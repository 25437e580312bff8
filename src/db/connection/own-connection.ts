import pg from 'pg';

export interface OwnConnectionOptions {
  readonly databaseUrl: string;
  /** What PostgreSQL shows it as. */
  readonly name: string;
  /** Makes a connection that has just been opened ready for use. */
  readonly prepare?: (client: pg.Client) => Promise<void>;
  /** Called once for each connection that broke or could not be opened. */
  readonly onLost?: () => void;
}

/** A connection beside the pool, for what belongs to one session. */
export interface OwnConnection {
  /** Opens it where it is not open, or not any more. */
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
      keepAlive: true,
    });
    client.on('error', forget);
    client.on('end', forget);
    await client.connect();
    await options.prepare?.(client);
    return client;
  }

  return {
    connect() {
      if (connection !== undefined) return connection;
      // itself only: the last events of a broken connection may come when the next one is open
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
