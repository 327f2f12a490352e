#!/usr/bin/env node
// What the name aibench_generate_data_vision leads to; see start.cts.
const { availableParallelism } = process.getBuiltinModule('node:os');
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, Math.min(availableParallelism(), 256) + 2));
void import('./main-vision.js');
