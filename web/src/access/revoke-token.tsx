import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';

const Revoke = graphql(`
  mutation RevokeToken($input: TokenRevokeInput!) {
    tokenRevoke(input: $input) {
      token {
        id
        revokedAt
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export function RevokeToken({ id, name }: { readonly id: string; readonly name: string }) {
  const submission = useSubmit(Revoke, (data) => data.tokenRevoke);
  return (
    <ConfirmButton
      label="Revoke"
      question={`The token ${name} stops working at once, for good, and its grants are deleted.`}
      submission={submission}
      onConfirm={() => submission.submit({ input: { id } })}
    />
  );
}
