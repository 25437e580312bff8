/** Whether PostgreSQL is unreachable, starts, stops, or requests a retry of the transaction. */
export function isConnectionError(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const code = 'code' in cause ? String(cause.code) : '';
    // Classes 08 (connection), 57P0 (shutdown, startup), 53300 (too many), 55000 (database closed), 40001 and 40P01
    // (serialization, deadlock).
    if (/^(?:ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|08|57P0|53300|55000|40001|40P01)/.test(code))
      return true;
    if (
      /connection (?:terminated|ended|timeout)|terminating connection|timeout exceeded when trying to connect/i.test(
        cause.message,
      )
    )
      return true;
  }
  return false;
}
