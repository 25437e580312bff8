import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ConfirmButton } from '../shared/forms/confirm-button.tsx';

const DeleteGrant = graphql(`
  mutation DeleteGrant($input: GrantDeleteInput!) {
    grantDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export function RevokeGrant({ id, question }: { readonly id: string; readonly question: string }) {
  const submission = useSubmit(DeleteGrant, (data) => data.grantDelete);
  return (
    <ConfirmButton
      label="Revoke"
      question={question}
      submission={submission}
      onConfirm={() => submission.submit({ input: { id } })}
    />
  );
}
