import { answerQuestions } from '../threads/answer-questions.ts';
import { readAtomicSignature } from './read-atomic.ts';

/** The other side of read-atomic-thread.ts. OpenPGP's library is loaded here only, and goes with the thread. */
answerQuestions((bytes: Uint8Array) => readAtomicSignature(bytes));
