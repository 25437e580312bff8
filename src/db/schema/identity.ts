/**
 * On whose behalf work goes on when its caller is gone: kept with a task, a schedule or the target of a distribution. It grants nothing:
 * the roles are read whenever it is used. The groups of an OIDC subject are those of the login that asked.
 */
export type Identity =
  /** Logins were off. */
  | { readonly kind: 'everybody' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'subject'; readonly subject: string; readonly groups: readonly string[] };
