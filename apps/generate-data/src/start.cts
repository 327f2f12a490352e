#!/usr/bin/env node
// What the binary's name leads to. Node makes four threads for what is done beside JavaScript, which also decode
// images, and reads how many are wanted when the first of them has work: loading the first ES module is that.
const { availableParallelism } = process.getBuiltinModule('node:os');
process.env['UV_THREADPOOL_SIZE'] ??= String(Math.max(4, Math.min(availableParallelism(), 256) + 2));
void import('./main.js');
