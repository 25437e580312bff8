import type pg from 'pg';

/**
 * A client whose host vanishes sends no FIN. PostgreSQL would keep its session, with its locks, for two hours by default. With these settings
 * the session ends within 30 s, also while it answers (`tcp_user_timeout`) or runs a statement (`client_connection_check_interval`).
 */
const settings = {
  tcp_keepalives_idle: '8s',
  tcp_keepalives_interval: '3s',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '17s',
  client_connection_check_interval: '5s',
};

/** Of our own side: a server whose host vanishes is noticed too. */
export const clientKeepalive = { keepAlive: true, keepAliveInitialDelayMillis: 8_000 };

const statement = `select set_config(name, value, false) from unnest($1::text[], $2::text[]) as wanted(name, value)
  where name in (select s.name from pg_settings s)`;

/** For each new session. A server on a system that lacks one of the settings keeps its own. */
export async function limitVanishedClients(client: pg.ClientBase): Promise<void> {
  const values = [Object.keys(settings), Object.values(settings)];
  await client.query(statement, values).catch(() => undefined);
}
