import type { Database, Em } from '../db/open-database.ts';
import { SignaturePolicy } from '../db/entities.ts';
import { toSignatureRules } from '../db/signature-policies.ts';
import { findUnchecked, readDocumentOf, readSignatureToCheck, writeVerdicts } from '../db/verdicts.ts';
import type { CheckedSignature, PolicyKey, SignatureToCheck } from '../db/verdicts.ts';
import { readSmallBlob } from './read-small-blob.ts';
import type { ContentSource } from '../oci/content-source.ts';
import { readSignatureLayers } from '../oci/signature-layers.ts';
import type { SignatureLayer } from '../oci/signature-layers.ts';
import type { RuleMistake, SignatureRules, Verdict } from '../oci/signature-rules.ts';
import type { CompiledRules, Trust } from '../trust/compile-rules.ts';
import type { SubjectOfSignature } from '../trust/subject.ts';
import type { SignatureMaterial } from '../trust/verify-signature.ts';

export interface SignatureChecksDeps {
  readonly database: Database;
  readonly store: ContentSource;
}

/** FAULTS.md, "Lessons": the most that a signature may have. */
const materialMaxBytes = 4 * 1024 * 1024;
/** Far above what anybody signs one image with; each costs a read of the store. */
const maxLayers = 1_000;
const batchSize = 100;
const compiledKept = 16;

/** Checks signatures by policies, and keeps what came of it in the database; the same for syncs and for pulls. */
export function createSignatureChecks({ database, store }: SignatureChecksDeps) {
  const compiled = new Map<string, Trust>();

  /** Undefined where the policy is another one by now. */
  async function trustOf(em: Em, { policyId, revision }: PolicyKey): Promise<Trust | undefined> {
    const key = `${policyId}/${revision}`;
    const known = compiled.get(key);
    if (known !== undefined) return known;
    const policy = await em.findOne(SignaturePolicy, { id: policyId, revision });
    if (policy === null) return undefined;
    const rules = await compileRules(toSignatureRules(policy));
    if ('mistakes' in rules) throw new Error(`the signature policy ${policyId} cannot be read any more`);
    compiled.set(key, rules.trust);
    for (const oldest of compiled.keys()) if (compiled.size > compiledKept) compiled.delete(oldest);
    return rules.trust;
  }

  return {
    /** All mistakes in rules, before they are kept. */
    async checkRules(rules: SignatureRules): Promise<readonly RuleMistake[]> {
      const result = await compileRules(rules);
      return 'mistakes' in result ? result.mistakes : [];
    },

    /**
     * Checks those of the signatures that this policy has not been asked about, one after the other. One whose content is not stored, or is
     * damaged, gets no verdict: it counts as not verified until it can be checked.
     */
    async check(policy: PolicyKey, signatureIds: readonly number[], signal?: AbortSignal): Promise<void> {
      const em = database.em.fork();
      const trust = await trustOf(em, policy);
      if (trust === undefined) return;
      for (let start = 0; start < signatureIds.length; start += batchSize) {
        const batch = await findUnchecked(em, policy, signatureIds.slice(start, start + batchSize));
        const checked: CheckedSignature[] = [];
        for (const id of batch) {
          signal?.throwIfAborted();
          const signature = await readSignatureToCheck(em, id);
          if (signature === undefined) continue;
          const subject = toSubject(em, signature, policy);
          const verdict = await checkSignature({ trust, store, subject, signal }, signature);
          if (verdict !== undefined) checked.push({ id, kind: signature.kind, verdict });
        }
        await writeVerdicts(em, policy, checked);
      }
    },
  };
}

/** Sigstore's and OpenPGP's libraries take some MB: they are loaded where there is a policy. */
async function compileRules(rules: SignatureRules): Promise<CompiledRules> {
  return (await import('../trust/compile-rules.ts')).compileRules(rules);
}

async function verifySignature(
  trust: Trust,
  material: SignatureMaterial,
  subject: SubjectOfSignature,
): Promise<Verdict> {
  return (await import('../trust/verify-signature.ts')).verifySignature(trust, material, subject);
}

export type SignatureChecks = ReturnType<typeof createSignatureChecks>;

function toSubject(em: Em, { signedDigest }: SignatureToCheck, policy: PolicyKey): SubjectOfSignature {
  return {
    digest: signedDigest,
    repository: policy.dockerReference ?? undefined,
    readDocument: async () => (await readDocumentOf(em, signedDigest)) ?? Buffer.alloc(0),
  };
}

interface Check {
  readonly trust: Trust;
  readonly store: ContentSource;
  readonly subject: SubjectOfSignature;
  readonly signal: AbortSignal | undefined;
}

async function checkSignature(check: Check, signature: SignatureToCheck): Promise<Verdict | undefined> {
  const { trust, subject } = check;
  if (signature.content !== null)
    return verifySignature(trust, { kind: 'atomic', document: signature.content }, subject);
  if (signature.document === null) return refused('its manifest is not stored');
  let layers: SignatureLayer[];
  try {
    layers = readSignatureLayers(signature.document);
  } catch {
    return refused('its manifest cannot be read');
  }
  const refusals: Verdict[] = [];
  let lacks = false;
  for (const layer of layers.slice(0, maxLayers)) {
    check.signal?.throwIfAborted();
    const verdict = await checkLayer(check, layer);
    if (verdict === undefined) lacks = true;
    else if (verdict.isVerified) return verdict;
    else refusals.push(verdict);
  }
  return lacks ? undefined : (refusals[0] ?? refused('its manifest has no signature in it'));
}

async function checkLayer(
  { trust, store, subject, signal }: Check,
  layer: SignatureLayer,
): Promise<Verdict | undefined> {
  if (layer.sizeBytes > materialMaxBytes)
    return refused(`it has ${layer.sizeBytes} bytes; at most ${materialMaxBytes} are read`);
  const bytes = await readSmallBlob(store, layer, signal);
  if (bytes === undefined) return undefined;
  return layer.kind === 'bundle'
    ? verifySignature(trust, { kind: 'bundle', document: bytes }, subject)
    : verifySignature(trust, { kind: 'cosign', payload: bytes, annotations: layer.annotations }, subject);
}

function refused(reason: string): Verdict {
  return { isVerified: false, reason };
}
