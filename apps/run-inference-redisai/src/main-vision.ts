#!/usr/bin/env node
import { runInferenceCli } from '@aibench/harness';

// The Go suite's aibench_run_inference_redisai_vision: the same program, for images where the command line names no use case.
await runInferenceCli(new URL('./runner.js', import.meta.url), { useCase: 'vision-image-classification' });
