package files

import "github.com/camena-io/camena/connectors"

// Disk lets tests make the file system fail.
type Disk = disk

// System is the disk of the operating system.
type System = system

// FactoryOn returns the factory of connectors that see another disk.
func FactoryOn(d Disk) connectors.Factory { return newFactory(d) }
