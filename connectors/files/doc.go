// Package files is a connector that catalogs a tree of folders and files
// (Egeria: Data Files Monitor and Data Folder Monitor).
//
// # What it catalogs
//
// A folder is a FileFolder, a file a DataFile or, by the extension of its name,
// a subtype of it such as CSVFile. FolderHierarchy leads from a folder to the
// folders in it, NestedFile to its files. Their qualified names are
//
//	FileFolder::<host>::<path>
//	DataFile::<host>::<path>     whatever the subtype
//
// A path names the same element as long as the host keeps its name. Set hostName
// in the configuration where the host name changes, as in containers, or where
// several hosts see the same files.
//
// # When
//
// A refresh compares the whole tree. After the first one, notifications of the
// operating system report changes, together after a quiet moment. Some changes
// cause no notification: on network file systems, behind symbolic links, in
// folders beyond the limit of watches. The next refresh finds them.
//
// # Problems
//
// Nothing is deleted because it cannot be seen: a refresh fails while the root
// is missing or was replaced, and the content of an unreadable folder stays as
// it was cataloged. Unreadable folders, symbolic links to a parent folder, names
// that are not UTF-8 and folders that cannot be watched are problems of the
// connector until they are resolved. An empty root, such as the mount point of
// an unmounted disk, is an empty tree.
package files
