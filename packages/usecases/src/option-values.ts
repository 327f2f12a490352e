import { AibenchError } from '@aibench/core';
import type { OptionValues, UseCaseOption } from './use-case.js';

/** The value of an option where the user gives none. */
export function defaultOf({ value }: UseCaseOption): string | number {
  return value.default;
}

/**
 * Fills in what is missing of some options' values, and checks the rest.
 *
 * @param values by option; others than these options' are refused
 * @param fallback the values of those that are missing
 * @throws AIBENCH_USAGE naming the option and what it takes
 */
export function completeValues(
  options: readonly UseCaseOption[],
  values: OptionValues,
  fallback: OptionValues,
): OptionValues {
  const unknown = Object.keys(values).find((name) => !options.some((option) => option.name === name));
  if (unknown !== undefined) throw new AibenchError('AIBENCH_USAGE', `there is no setting ${unknown}`);
  return Object.fromEntries(
    options.map((option) => {
      const value = values[option.name] ?? fallback[option.name] ?? defaultOf(option);
      const wrong = whatIsWrong(option, value);
      if (wrong !== undefined) throw new AibenchError('AIBENCH_USAGE', `--${option.name}: ${wrong}`);
      return [option.name, value];
    }),
  );
}

function whatIsWrong({ value: takes }: UseCaseOption, value: string | number): string | undefined {
  switch (takes.kind) {
    case 'text':
      return typeof value === 'string' ? undefined : `${value} is no text`;
    case 'choice':
      return takes.choices.includes(String(value))
        ? undefined
        : `"${value}" is none of ${takes.choices.join(', ')}`;
    case 'integer': {
      const { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = takes;
      if (!Number.isSafeInteger(value)) return `"${value}" is no whole number`;
      return Number(value) < min || Number(value) > max ? `${value} is not from ${min} to ${max}` : undefined;
    }
  }
}
