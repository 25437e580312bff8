import { visibilityOf } from '../../../access/viewer.ts';
import type { Viewer } from '../../../access/viewer.ts';
import type { Em } from '../../../db/open-database.ts';
import { lockSignaturePolicy } from '../../../db/policies/signature-policies.ts';
import { quoteValue } from '../../../oci/error.ts';
import { parseNumericId } from '../../../operations/global-id.ts';
import type { UserError } from '../user-error.type.ts';
import { mistake } from '../../../operations/mistakes.ts';

/** For inputs that name a policy. */
export const signaturePolicyIdOption = {
  nullable: true,
  description: 'The signature policy that it is to have; null: none.',
} as const;

export function signaturePolicyNotFound(field: string, id: string): UserError {
  return mistake(
    'NOT_FOUND',
    [field],
    `There is no signature policy with the id ${quoteValue(id)}; take one from signaturePolicies.`,
  );
}

/**
 * The key of the policy that `signaturePolicyId` names, held; null for none, undefined for "as it is". A mistake more where there is
 * none that the viewer may read.
 */
export async function readSignaturePolicyId(
  em: Em,
  viewer: Viewer,
  id: string | null | undefined,
  mistakes: UserError[],
): Promise<number | null | undefined> {
  if (id === null || id === undefined) return id;
  const key = parseNumericId('SignaturePolicy', id);
  if (key !== undefined && (await lockSignaturePolicy(em, visibilityOf(viewer), key))) return key;
  mistakes.push(signaturePolicyNotFound('signaturePolicyId', id));
  return undefined;
}
