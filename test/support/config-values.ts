import { expect } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { isTidemarkError } from '../../src/oci/error.ts';
import { testSecret } from './test-secret.ts';

/** 32 bytes each. */
export const keys = [testSecret('config-key1'), testSecret('config-key2')].map((text) => Buffer.from(text));
export const [KEY = '', OTHER_KEY = ''] = keys.map((key) => key.toString('base64'));
export const password = testSecret('config-password');
export const clientSecret = testSecret('config-client');

export function mistakesOf(env: NodeJS.ProcessEnv): string {
  try {
    loadConfig(env);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', origin: 'caller' });
    return error.message;
  }
  throw new Error('loadConfig accepted the settings');
}
