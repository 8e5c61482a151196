import { crc32 } from 'node:zlib';

/** For tests: an entry of an archive, right or wrong on purpose. */
export interface Entry {
  readonly name: string;
  readonly data: Uint8Array;
  /** In the directory, instead of what is true. */
  readonly claims?: {
    readonly name?: string;
    readonly crc32?: number;
    readonly size?: number;
    readonly packedSize?: number;
    readonly method?: number;
    readonly flags?: number;
    readonly header?: number;
  };
}

/** For tests: a zip archive that stores these entries. */
export function zipBytes(entries: readonly Entry[], claimedCount = entries.length): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const { name, data, claims = {} } of entries) {
    const sum = crc32(data);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt32LE(sum, 14);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(Buffer.byteLength(name), 26);
    const central = Buffer.alloc(46);
    const centralName = claims.name ?? name;
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(claims.flags ?? 0, 8);
    central.writeUInt16LE(claims.method ?? 0, 10);
    central.writeUInt32LE(claims.crc32 ?? sum, 16);
    central.writeUInt32LE(claims.packedSize ?? claims.size ?? data.length, 20);
    central.writeUInt32LE(claims.size ?? data.length, 24);
    central.writeUInt16LE(Buffer.byteLength(centralName), 28);
    central.writeUInt32LE(claims.header ?? position, 42);
    files.push(local, Buffer.from(name), Buffer.from(data));
    directory.push(central, Buffer.from(centralName));
    position += 30 + Buffer.byteLength(name) + data.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(claimedCount, 8);
  end.writeUInt16LE(claimedCount, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...files, listing, end]);
}
