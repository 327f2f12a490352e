import si from 'systeminformation';

/** The machine and the software that a client ran on. */
export interface Platform {
  readonly cpu: string;
  readonly logicalCores: number;
  readonly physicalCores: number;
  readonly memoryBytes: number;
  readonly os: string;
  readonly kernel: string;
  readonly architecture: string;
  /** Whether the machine is virtual, where that can be told. */
  readonly virtual: boolean;
  readonly node: string;
}

/** Describes this machine; takes some tenths of a second, so ask before the load begins. */
export async function describePlatform(): Promise<Platform> {
  const [cpu, memory, os, system] = await Promise.all([si.cpu(), si.mem(), si.osInfo(), si.system()]);
  return {
    cpu: `${cpu.manufacturer} ${cpu.brand}`.trim(),
    logicalCores: cpu.cores,
    physicalCores: cpu.physicalCores,
    memoryBytes: memory.total,
    os: `${os.distro} ${os.release}`.trim(),
    kernel: os.kernel,
    architecture: os.arch,
    virtual: system.virtual,
    node: process.version,
  };
}
