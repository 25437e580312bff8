import { defineEntity, p } from '@mikro-orm/postgresql';
import type { InferEntity } from '@mikro-orm/postgresql';
import type { SignerIdentity } from '../../oci/signatures/signature-rules.ts';
import { autoId, key, timestamps } from './columns/columns.ts';

export const signatureFailures = ['SKIP_TAG', 'FAIL_SYNC'] as const;
export type SignatureFailure = (typeof signatureFailures)[number];

/** The required signers. `oci/signatures/signature-rules.ts` defines the rules. */
export const SignaturePolicy = defineEntity({
  name: 'SignaturePolicy',
  properties: {
    id: autoId,
    name: p.text(),
    // jsonb, not text[]: MikroORM trims the texts of an array
    keys: p.json<readonly string[]>().default([]),
    openPgpKeys: p.json<readonly string[]>().default([]),
    identities: p.json<readonly SignerIdentity[]>().default([]),
    trustedRoot: p.text().nullable(),
    dockerReference: p.text().nullable(),
    onFailure: p.enum(signatureFailures).default('SKIP_TAG'),
    /** Each change of what is trusted raises it. */
    revision: p.integer().default(1),
    ...timestamps,
  },
});
export type SignaturePolicy = InferEntity<typeof SignaturePolicy>;

/** Identifies how signatures are checked: the revision of a policy, and the repository that atomic signatures must name. */
export interface PolicyKey {
  readonly policyId: number;
  readonly revision: number;
  /** As `repositoryReference` writes it; null: atomic signatures are not compared. */
  readonly dockerReference: string | null;
}

/** ATOMIC: the bytes of one signature. COSIGN: a manifest that signs another one. */
export const Signature = defineEntity({
  name: 'Signature',
  properties: {
    id: autoId,
    kind: p.enum(['ATOMIC', 'COSIGN'] as const),
    signedDigest: p.text(),
    name: p.text(),
    manifestId: p.bigint('number').nullable(),
    content: p.blob().nullable(),
    keyId: p.text().nullable(),
    creator: p.text().nullable(),
    signedAt: p.datetime().nullable(),
    dockerReference: p.text().nullable(),
  },
});

/** The result of a check of a signature by a revision of a policy. */
export const SignatureVerdict = defineEntity({
  name: 'SignatureVerdict',
  properties: {
    policyId: key,
    signatureId: key,
    /** The repository that an atomic signature was compared with; `''` for other signatures, and for none. */
    dockerReference: p.text().primary(),
    revision: p.integer(),
    verifiedBy: p.text().nullable(),
    validUntil: p.datetime().nullable(),
    reason: p.text().nullable(),
  },
});

export const signaturesTables = [SignaturePolicy, Signature, SignatureVerdict];
