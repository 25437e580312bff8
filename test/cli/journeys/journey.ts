/** A server, an upstream, and the commands of the program. */
import { expect } from 'vitest';
import { addImage, createSampleRepository } from '../../../src/demo/sample-image.ts';
import { startSampleUpstream } from '../../../src/demo/sample-upstream.ts';
import { openLauncher } from '../../support/program/launcher.ts';
import type { Ended } from '../../support/program/launcher.ts';

export type Journey = Awaited<ReturnType<typeof openJourney>>;

/** The repository `team/app` is at the upstream, with four tags; the server is running. */
export async function openJourney() {
  const app = createSampleRepository();
  const [, v2] = ['v1', 'v2', 'latest', 'dev'].map((tag) =>
    addImage(app, { seed: `journey-${tag}`, layers: [300], tag }),
  );
  const launcher = await openLauncher();
  const upstream = await startSampleUpstream({ repositories: new Map([['team/app', app]]) });
  await launcher.launch('start').says('Stop with Ctrl-C');
  const { run } = launcher;
  const succeed = (...args: string[]) => launcher.succeed(...args);
  return {
    app,
    v2,
    launcher,
    upstream,
    run,
    succeed,
    sync: (...args: string[]) => run('sync', 'team/app', '--upstream', upstream.url, ...args),
    synced: (...args: string[]) => succeed('sync', 'team/app', '--upstream', upstream.url, ...args),

    json: async (...args: string[]) => {
      const ended = await succeed(...args, '--json');
      expect(ended.stderr).toBe('');
      const value = JSON.parse(ended.stdout);
      expect(value.format).toBe(1);
      return value;
    },

    async close(): Promise<void> {
      await launcher.close();
      await upstream.close();
    },
  };
}

export const words = (ended: Ended) => ended.stdout.replaceAll(/ +/g, ' ');
