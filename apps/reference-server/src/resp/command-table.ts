import type { Command } from './command.js';
import { dagCommands } from './commands/ai-dag.js';
import { aiInfoCommands } from './commands/ai-info.js';
import { modelCommands } from './commands/ai-models.js';
import { scriptCommands } from './commands/ai-scripts.js';
import { tensorCommands } from './commands/ai-tensors.js';
import { clientCommands } from './commands/client.js';
import { commandCommands } from './commands/command.js';
import { connectionCommands } from './commands/connection.js';
import { counterCommands } from './commands/counters.js';
import { keyCommands } from './commands/keys.js';
import { serverCommands } from './commands/server.js';
import { stringCommands } from './commands/strings.js';

const allCommands: readonly Command[] = [
  ...connectionCommands,
  ...clientCommands,
  ...commandCommands,
  ...serverCommands,
  ...keyCommands,
  ...stringCommands,
  ...counterCommands,
  ...tensorCommands,
  ...modelCommands,
  ...dagCommands,
  ...scriptCommands,
  ...aiInfoCommands,
];

/** RedisAI 1.2.3 brought a second family of commands and deprecated the first. */
const secondFamilySince = 10_203;
const secondFamily: ReadonlySet<string> = new Set([
  'ai.modelstore',
  'ai.modelexecute',
  'ai.scriptstore',
  'ai.scriptexecute',
  'ai.dagexecute',
  'ai.dagexecute_ro',
]);

/** The commands that a server answers, by name. */
export class CommandTable {
  readonly #byName = new Map<string, Command>();
  readonly #commands: readonly Command[];

  /** @param redisAiVersion e.g. 10205; below 10203 the commands that came later are unknown */
  constructor(redisAiVersion: number) {
    this.#commands = allCommands.filter(
      ({ name }) => redisAiVersion >= secondFamilySince || !secondFamily.has(name),
    );
    for (const command of this.#commands) {
      // Nearly all clients send one of these two spellings, which are then found without another string.
      this.#byName.set(command.name, command);
      this.#byName.set(command.name.toUpperCase(), command);
    }
  }

  /** A command by its name, upper and lower case alike. */
  find(name: string): Command | undefined {
    return this.#byName.get(name) ?? this.#byName.get(name.toLowerCase());
  }

  /** All commands. */
  all(): readonly Command[] {
    return this.#commands;
  }
}
