/** The order of test files: those that take long do not begin last, where the other processes have nothing left to do. */
import { BaseSequencer } from 'vitest/node';
import type { TestSpecification } from 'vitest/node';

/** They start programs and browsers, and wait for what a killed process leaves to others. */
const long = /\/test\/(?:console|processes|cli)\//;
const isLong = ({ moduleId }: TestSpecification) => long.test(moduleId);

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
