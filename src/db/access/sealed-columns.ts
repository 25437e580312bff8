/** The tables with encrypted columns, and the name of each column in the encryption context `<table>:<id>:<name>`. */
export const sealedTables = [
  {
    table: 'remote',
    columns: [
      ['password_sealed', 'password'],
      ['ssl_client_key_sealed', 'ssl_client_key'],
      ['headers_sealed', 'headers'],
      ['proxy_url_sealed', 'proxy_url'],
    ],
  },
  { table: 'credential', columns: [['secret_sealed', 'secret']] },
  { table: 'mirror_rule', columns: [['secrets_sealed', 'secrets']] },
  { table: 'proxy', columns: [['secrets_sealed', 'secrets']] },
  {
    table: 'webhook',
    columns: [
      ['secret_sealed', 'secret'],
      ['earlier_secret_sealed', 'earlier_secret'],
    ],
  },
] as const satisfies readonly SealedTable[];

export interface SealedTable {
  readonly table: string;
  readonly columns: readonly (readonly [column: string, name: string])[];
}
