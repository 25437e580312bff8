import { answerQuestions } from '../threads/answer-questions.ts';
import { checkLayers, planLayers } from './check-layers.ts';
import { compileRules } from './compile-rules.ts';
import type { Trust } from './compile-rules.ts';
import { verifySignature } from './verify-signature.ts';
import type { ByRules, VerifyAnswer, VerifyQuestion } from './verify-thread.ts';

/** The other side of verify-thread.ts. Only this thread loads the libraries of Sigstore and OpenPGP. */
const compiled = new Map<string, Trust>();
const compiledKept = 16;

async function trustOf({ fingerprint, rules }: ByRules): Promise<Trust> {
  const known = compiled.get(fingerprint);
  if (known !== undefined) return known;
  const result = await compileRules(rules);
  if ('mistakes' in result) throw new Error('a signature policy cannot be read any more');
  compiled.set(fingerprint, result.trust);
  for (const oldest of compiled.keys()) if (compiled.size > compiledKept) compiled.delete(oldest);
  return result.trust;
}

async function answer(question: VerifyQuestion): Promise<VerifyAnswer> {
  switch (question.kind) {
    case 'rules': {
      const result = await compileRules(question.rules);
      return { kind: 'rules', mistakes: 'mistakes' in result ? result.mistakes : [] };
    }
    case 'plan':
      return { kind: 'plan', plan: planLayers(question.document) };
    case 'atomic': {
      const material = { kind: 'atomic', document: question.document } as const;
      const verdict = await verifySignature(await trustOf(question), material, question.subject);
      return { kind: 'verdict', verdict };
    }
    case 'layers': {
      const verdict = await checkLayers(await trustOf(question), question, question.subject);
      return { kind: 'verdict', verdict };
    }
  }
}

answerQuestions(answer);
