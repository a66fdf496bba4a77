// Package files is a connector that catalogues a tree of folders and files
// (Egeria: Data Files Monitor and Data Folder Monitor).
//
// # What it catalogues
//
// A folder is a FileFolder, a file a DataFile or, by the extension of its name,
// a subtype of it such as CSVFile. FolderHierarchy leads from a folder to the
// folders in it, NestedFile to its files. Their qualified names are
//
//	FileFolder::<host>::<path>
//	DataFile::<host>::<path>     whatever the subtype
//
// so a path names the same element for as long as the host keeps its name. Give
// the configuration's hostName where the operating system's changes, as in
// containers, or where several hosts see the same files and one catalogues them.
//
// # When
//
// A refresh compares the whole tree. From the first one on, the operating
// system tells of changes in the folders, which are reported together when it
// has been quiet for a moment. What it cannot tell (network file systems,
// changes behind symbolic links, folders beyond the limit of watches) is seen
// at the next refresh.
//
// # What goes wrong
//
// Nothing is deleted because it cannot be seen: while the root is gone or is
// exchanged, a refresh fails; below a folder that cannot be read, everything
// stays as it was catalogued. Such folders, symbolic links that lead back to a
// folder they are in, names that are not UTF-8 and folders that cannot be
// watched are shown as problems of the connector, until they are mended. A root
// that is present but empty, such as the mount point of a disk that is not
// mounted, is an empty tree.
package files
