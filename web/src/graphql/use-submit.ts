import { useCallback, useState } from 'react';
import { useMutation } from 'urql';
import type { AnyVariables, CombinedError, TypedDocumentNode } from 'urql';

export interface UserError {
  readonly code: string;
  readonly field: readonly string[];
  readonly message: string;
}

export interface Submit<Variables, Payload> {
  /** Answers the payload when it has no errors, else undefined. */
  readonly submit: (variables: Variables) => Promise<Payload | undefined>;
  readonly busy: boolean;
  readonly error: CombinedError | undefined;
  readonly userErrors: readonly UserError[];
  /** The messages for a field of the form. */
  readonly at: (field: string) => string | undefined;
  /** The messages for fields that the form does not show. */
  readonly elsewhere: (...shown: readonly string[]) => readonly string[];
  readonly clear: () => void;
}

/** Sends a mutation, and sorts its userErrors by field. */
export function useSubmit<
  Data,
  Variables extends AnyVariables,
  Payload extends { readonly userErrors: readonly UserError[] },
>(mutation: TypedDocumentNode<Data, Variables>, pick: (data: Data) => Payload): Submit<Variables, Payload> {
  const [{ fetching }, execute] = useMutation(mutation);
  const [error, setError] = useState<CombinedError>();
  const [userErrors, setUserErrors] = useState<readonly UserError[]>([]);
  const submit = useCallback(
    async (variables: Variables) => {
      setError(undefined);
      setUserErrors([]);
      const result = await execute(variables);
      setError(result.error);
      if (result.error !== undefined || result.data === undefined) return undefined;
      const payload = pick(result.data);
      setUserErrors(payload.userErrors);
      return payload.userErrors.length === 0 ? payload : undefined;
    },
    // `pick` is a function of the document.
    [execute],
  );
  const at = (field: string) =>
    userErrors
      .filter((each) => each.field[0] === field)
      .map(({ message }) => message)
      .join(' ') || undefined;
  const elsewhere = (...shown: readonly string[]) =>
    userErrors.filter((each) => !shown.includes(each.field[0] ?? '')).map(({ message }) => message);
  const clear = useCallback(() => {
    setError(undefined);
    setUserErrors([]);
  }, []);
  return { submit, busy: fetching, error, userErrors, at, elsewhere, clear };
}
