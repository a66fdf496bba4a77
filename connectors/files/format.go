package files

import (
	"path"
	"strings"
)

// format is the type of a file, derived from its name.
type format struct {
	typeName, fileType string
	// text: the format has a character encoding.
	text bool
}

// formatOf uses only the name of a file, so that a file keeps its type while it
// keeps its name.
func formatOf(name string) format {
	name = strings.ToLower(name)
	switch name {
	case "dockerfile", "containerfile", "makefile", "gnumakefile", "cmakelists.txt", "jenkinsfile", "vagrantfile",
		"rakefile", "gemfile", "pom.xml", "build.xml", "go.mod", "cargo.toml", "package.json", "pyproject.toml":
		return format{"BuildInstructionFile", "Build Instruction File", true}
	}
	switch extensionOf(name) {
	case "csv", "tsv", "psv":
		return format{"CSVFile", "CSV File", true}
	case "json", "jsonl", "ndjson", "geojson":
		return format{"JSONFile", "JSON File", true}
	case "xml", "xsd", "xsl", "xslt", "wsdl":
		return format{"XMLFile", "XML File", true}
	case "yaml", "yml":
		return format{"YAMLFile", "YAML File", true}
	case "parquet":
		return format{"ParquetFile", "Parquet File", false}
	case "avro":
		return format{"AvroDataFile", "Avro Data File", false}
	case "properties", "ini", "cfg", "conf", "toml", "env":
		return format{"PropertiesFile", "Properties File", true}
	case "xls", "xlsx", "xlsm", "xlsb", "ods", "numbers":
		return format{"SpreadsheetFile", "Spreadsheet File", false}
	case "txt", "md", "adoc", "rst", "html", "htm", "tex", "rtf":
		return format{"DocumentFile", "Document File", true}
	case "pdf", "doc", "docx", "odt", "ppt", "pptx", "odp", "epub", "pages", "key":
		return format{"DocumentFile", "Document File", false}
	default:
		return formatOfProgram(extensionOf(name))
	}
}

func formatOfProgram(extension string) format {
	switch extension {
	case "go", "java", "kt", "scala", "c", "h", "cc", "cpp", "hpp", "cs", "rs", "swift", "ts", "tsx", "jsx", "sql",
		"proto", "r", "jl", "f90", "cob", "ipynb", "css":
		return format{"SourceCodeFile", "Source Code File", true}
	case "sh", "bash", "zsh", "ps1", "bat", "cmd", "py", "pl", "rb", "js", "lua", "awk":
		return format{"ScriptFile", "Script File", true}
	case "gradle", "mk", "cmake", "bazel", "sbt", "tf":
		return format{"BuildInstructionFile", "Build Instruction File", true}
	case "exe", "dll", "so", "dylib", "bin", "class", "o", "a", "wasm", "msi", "app":
		return format{"ExecutableFile", "Executable File", false}
	case "log":
		return format{"LogFile", "Log File", true}
	case "zip", "gz", "tgz", "tar", "bz2", "xz", "zst", "7z", "rar", "jar", "war", "ear", "iso", "deb", "rpm", "whl":
		return format{"ArchiveFile", "Archive File", false}
	case "jks", "p12", "pfx", "keystore", "truststore", "pem", "crt", "cer", "der":
		return format{"KeystoreFile", "Keystore File", false}
	default:
		return formatOfMedia(extension)
	}
}

func formatOfMedia(extension string) format {
	switch extension {
	case "png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp", "heic", "ico", "raw":
		return format{"RasterFile", "Raster File", false}
	case "mp3", "wav", "flac", "ogg", "m4a", "aac", "opus", "aiff":
		return format{"AudioFile", "Audio File", false}
	case "mp4", "mkv", "avi", "mov", "webm", "mpg", "mpeg", "wmv", "m4v":
		return format{"VideoFile", "Video File", false}
	case "svg", "eps", "ai", "dxf", "stl", "obj", "gltf", "glb", "psd":
		return format{"MediaFile", "Media File", false}
	default:
		return format{"DataFile", "Data File", false}
	}
}

// extensionOf returns the text after the last dot of a name, in lower case. A
// leading dot marks a hidden name, not an extension.
func extensionOf(name string) string {
	name = strings.TrimLeft(name, ".")
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
