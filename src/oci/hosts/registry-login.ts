/** What a registry or its token service is shown. */
export type RegistryLogin =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** Docker's identity token: an OAuth2 refresh token, which the token service exchanges. */
  | { readonly kind: 'identityToken'; readonly token: string };

/** Gives the login of one registry, which may expire. */
export interface LoginSource {
  /**
   * The login, renewed when it is about to expire; undefined: anonymous access.
   * @throws TidemarkError if it cannot be obtained, or may not be sent to this registry.
   */
  get(call: LoginCall): Promise<RegistryLogin | undefined>;
  /**
   * Drops a login that the registry refused, unless another request has renewed it.
   * @returns whether the next `get` may give another one.
   */
  drop(login: RegistryLogin): boolean;
}

export interface LoginCall {
  readonly signal?: AbortSignal | undefined;
  /** Sends a form to the registry itself, over the connections of the client. Redirects are not followed. */
  readonly postForm: PostForm;
}

/** @returns the text of the answer. @throws TidemarkError `UPSTREAM_UNAUTHORIZED` on a refusal, else as a request does. */
export type PostForm = (
  url: URL,
  form: Readonly<Record<string, string>>,
  signal?: AbortSignal,
) => Promise<string>;

export function isSameLogin(left: RegistryLogin, right: RegistryLogin): boolean {
  if (left.kind === 'basic')
    return right.kind === 'basic' && left.username === right.username && left.password === right.password;
  return right.kind === 'identityToken' && left.token === right.token;
}
