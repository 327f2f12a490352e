import { createReadStream } from 'node:fs';
import { AibenchError, inputError } from '@aibench/core';

/** A longer line, comments included, means that the file is something else, perhaps one without line ends. */
const longestLine = 4_096;

/**
 * Reads the times at which requests are to arrive. The format is this suite's
 * own: text, one time a line, in seconds from the start of the load, never
 * falling; blank lines and lines that start with `#` are passed over; a first
 * line `seconds` is taken as the header of a CSV with one column. Equal times
 * are arrivals at once. The file is streamed; 8 bytes a time are kept.
 *
 * @returns us after the start
 * @throws AIBENCH_INPUT naming the file and the line
 */
export async function readArrivalTrace(path: string): Promise<Float64Array<ArrayBuffer>> {
  const times = new TimeList(path);
  let rest = '';
  try {
    for await (const chunk of createReadStream(path, 'utf8')) {
      const lines = (rest + (chunk as string)).split('\n');
      rest = lines.pop()!;
      for (const line of lines) times.readLine(line);
      if (rest.length > longestLine) times.readLine(rest);
    }
  } catch (cause) {
    throw inputError(path, cause);
  }
  if (rest !== '') times.readLine(rest);
  return times.finish();
}

const hint = 'an arrival trace has one time a line, in seconds from the start, never falling';

/** A growing list of times, fed with lines. */
class TimeList {
  readonly #path: string;
  #timesUs = new Float64Array(1_024);
  #count = 0;
  #line = 0;
  /** The last time as it was written. */
  #last = '';
  /** Whether a line that isn't a comment has been seen: only the first may be a header. */
  #begun = false;

  constructor(path: string) {
    this.#path = path;
  }

  readLine(line: string): void {
    this.#line += 1;
    if (line.length > longestLine) throw this.#invalid(`more than ${longestLine} characters`);
    // This also drops the byte order mark that an editor may have put in front.
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    const isHeader = !this.#begun && text.toLowerCase() === 'seconds';
    this.#begun = true;
    if (!isHeader) this.#append(text);
  }

  finish(): Float64Array<ArrayBuffer> {
    if (this.#count === 0) {
      throw new AibenchError('AIBENCH_INPUT', `${this.#path} holds no arrival times`, { hint });
    }
    return this.#timesUs.slice(0, this.#count);
  }

  #append(text: string): void {
    const seconds = Number(text);
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) || !Number.isFinite(seconds * 1e6)) {
      throw this.#invalid(`"${text}" is no time in seconds`);
    }
    if (seconds < 0) throw this.#invalid(`${text} is negative`);
    const timeUs = seconds * 1e6;
    if (this.#count > 0 && timeUs < this.#timesUs[this.#count - 1]!) {
      throw this.#invalid(`${text} is before the time above it, ${this.#last}`);
    }
    this.#last = text;
    if (this.#count === this.#timesUs.length) {
      const grown = new Float64Array(2 * this.#count);
      grown.set(this.#timesUs);
      this.#timesUs = grown;
    }
    this.#timesUs[this.#count++] = timeUs;
  }

  #invalid(what: string): AibenchError {
    return new AibenchError('AIBENCH_INPUT', `${this.#path}, line ${this.#line}: ${what}`, { hint });
  }
}
