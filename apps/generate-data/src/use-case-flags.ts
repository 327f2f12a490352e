import { AibenchError } from '@aibench/core';
import { type Flag, type FlagSet, type FlagValues, flag, valueKey } from '@aibench/harness/cli';
import {
  loadUseCase,
  type OptionValues,
  type UseCase,
  type UseCaseOption,
  useCaseNames,
} from '@aibench/usecases';

const useCases = await Promise.all((await useCaseNames()).map(loadUseCase));

/** A flag for each option of each use case, under the use case's heading. */
export const useCaseFlags: FlagSet = Object.fromEntries(
  useCases.flatMap(({ name, options = [] }) =>
    options.map((option) => [option.name, flagOf(option, `Of ${name}`)]),
  ),
);

function flagOf({ describe, placeholder, value }: UseCaseOption, group: string): Flag {
  const about = { describe, group, ...(placeholder === undefined ? {} : { placeholder }) };
  switch (value.kind) {
    case 'text':
      return flag.string({ ...about, default: value.default });
    case 'choice':
      return flag.choice(value.choices, { ...about, default: value.default });
    case 'integer': {
      const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = value;
      return flag.integer({ ...about, default: value.default, min, max });
    }
  }
}

/** What the user chose of a use case's options. */
export interface ChosenOptions {
  /** The use case with its settings as they were chosen. */
  readonly useCase: UseCase;
  /** The input, where the option that names it was given. */
  readonly input: string | undefined;
  /** The options that are neither settings nor the input, all of them; undefined where there are none. */
  readonly values: OptionValues | undefined;
}

/**
 * Reads the flags of a use case.
 *
 * @throws AIBENCH_USAGE for a flag of another use case that was given
 */
export function chooseOptions(
  useCase: UseCase,
  flags: FlagValues<FlagSet>,
  given: ReadonlySet<string>,
): ChosenOptions {
  const { name, options = [], inputOption } = useCase;
  const own = new Set(options.map((option) => option.name));
  for (const other of useCases) {
    const foreign = other.options?.find((option) => given.has(option.name) && !own.has(option.name));
    if (foreign === undefined) continue;
    throw new AibenchError('AIBENCH_USAGE', `--${foreign.name} is a flag of ${other.name}, not of ${name}`, {
      hint: `did you mean --use-case ${other.name}?`,
    });
  }
  const valuesOf = (some: readonly UseCaseOption[]): OptionValues =>
    Object.fromEntries(some.map((option) => [option.name, chosenValue(flags, option)]));
  const rest = options.filter((option) => !option.isSetting && option.name !== inputOption);
  const input = options.find((option) => option.name === inputOption);
  const inputPath = input === undefined ? '' : String(chosenValue(flags, input));
  return {
    useCase: useCase.withSettings?.(valuesOf(options.filter((option) => option.isSetting))) ?? useCase,
    input: inputPath === '' ? undefined : inputPath,
    values: rest.length === 0 ? undefined : valuesOf(rest),
  };
}

function chosenValue(flags: FlagValues<FlagSet>, { name }: UseCaseOption): string | number {
  return (flags as Record<string, string | number>)[valueKey(name, useCaseFlags[name]!)]!;
}
