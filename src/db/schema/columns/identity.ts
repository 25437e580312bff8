/**
 * The caller of background work: of a task, a schedule or the target of a distribution. It grants nothing: the roles are
 * read at each use. The groups of an OIDC subject are those of the login.
 */
export type Identity =
  /** Logins were off. */
  | { readonly kind: 'everybody' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'token'; readonly id: number }
  | { readonly kind: 'subject'; readonly subject: string; readonly groups: readonly string[] };
