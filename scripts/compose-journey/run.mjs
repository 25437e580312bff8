/**
 * `npm run compose-journey`: starts docker-compose.yml in a container engine of its own and follows docs/production.md: start, sync, pull, more workers,
 * two API processes behind the proxy, a restart of everything under load, a backup, and a restore into an empty stack. Official images cannot be pulled in
 * CI: stand-ins.sh makes images with their names. The log is in artefacts/compose-journey/. Exits 1 at the first failure.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from '../../dist/config.js';
import { createRunner, startEngine } from './engine.mjs';
import { createCompose, prepareSettings } from './stack.mjs';
import { steps } from './steps.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const programs = join(cacheFolder(process.env), 'peers', 'bin');
const artefacts = join(root, 'artefacts', 'compose-journey');
await mkdir(artefacts, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'tidemark-journey-'));
const env = {
  ...process.env,
  DOCKER_HOST: `unix://${join(folder, 'socket')}`,
  DOCKER_CONFIG: join(folder, 'docker'),
};
const tools = createRunner(join(artefacts, 'journey.log'), env);
const { say } = tools;
const settings = await prepareSettings(folder, tools);
const program = join(programs, 'docker-compose');
const compose = createCompose({ root, program, envFile: settings.envFile, run: tools.run });
const journey = { ...tools, ...settings, root, folder, programs, program, artefacts, compose };

const startedAt = performance.now();
const state = {};
let engine;
let failed = false;
try {
  engine = await startEngine(join(folder, 'engine'), { ...tools, env });
  for (const [name, step] of Object.entries(steps)) {
    const before = performance.now();
    say(`-- ${name}`);
    await step(journey, state);
    say(`   ${name}: ${Math.round((performance.now() - before) / 1000)} s`);
  }
} catch (error) {
  failed = true;
  say(`FAILED: ${error.stack}${error.cause ? `\nbecause of ${error.cause.stack}` : ''}`);
} finally {
  if (engine !== undefined) {
    await compose(['logs', '--no-color', '--timestamps'], { timeoutMs: 60_000 }).catch(() => undefined);
    await compose(['down', '--volumes', '--remove-orphans', '--timeout', '10'], { timeoutMs: 120_000 }).catch(
      (error) => say(error.message),
    );
    await engine.stop();
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
say(`compose journey ${failed ? 'FAILED' : 'ok'}, ${Math.round((performance.now() - startedAt) / 1000)} s`);
process.exit(failed ? 1 : 0);
