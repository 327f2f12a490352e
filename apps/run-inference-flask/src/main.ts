#!/usr/bin/env node
import { runInferenceCli } from '@aibench/harness';

await runInferenceCli(new URL('./runner.js', import.meta.url));
