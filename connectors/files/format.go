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
	extension := "/" + extensionOf(name) + "/" // no name has a slash
	for _, f := range [...]struct {
		format
		extensions string
	}{
		{format{"CSVFile", "CSV File", true}, "/csv/tsv/psv/"},
		{format{"JSONFile", "JSON File", true}, "/json/jsonl/ndjson/geojson/"},
		{format{"XMLFile", "XML File", true}, "/xml/xsd/xsl/xslt/wsdl/"},
		{format{"YAMLFile", "YAML File", true}, "/yaml/yml/"},
		{format{"ParquetFile", "Parquet File", false}, "/parquet/"},
		{format{"AvroDataFile", "Avro Data File", false}, "/avro/"},
		{format{"PropertiesFile", "Properties File", true}, "/properties/ini/cfg/conf/toml/env/"},
		{format{"SpreadsheetFile", "Spreadsheet File", false}, "/xls/xlsx/xlsm/xlsb/ods/numbers/"},
		{format{"DocumentFile", "Document File", true}, "/txt/md/adoc/rst/html/htm/tex/rtf/"},
		{format{"DocumentFile", "Document File", false}, "/pdf/doc/docx/odt/ppt/pptx/odp/epub/pages/key/"},
		{format{"SourceCodeFile", "Source Code File", true}, "/go/java/kt/scala/c/h/cc/cpp/hpp/cs/rs/swift/ts/tsx/jsx/sql/proto/r/jl/f90/cob/ipynb/css/"},
		{format{"ScriptFile", "Script File", true}, "/sh/bash/zsh/ps1/bat/cmd/py/pl/rb/js/lua/awk/"},
		{format{"BuildInstructionFile", "Build Instruction File", true}, "/gradle/mk/cmake/bazel/sbt/tf/"},
		{format{"ExecutableFile", "Executable File", false}, "/exe/dll/so/dylib/bin/class/o/a/wasm/msi/app/"},
		{format{"LogFile", "Log File", true}, "/log/"},
		{format{"ArchiveFile", "Archive File", false}, "/zip/gz/tgz/tar/bz2/xz/zst/7z/rar/jar/war/ear/iso/deb/rpm/whl/"},
		{format{"KeystoreFile", "Keystore File", false}, "/jks/p12/pfx/keystore/truststore/pem/crt/cer/der/"},
		{format{"RasterFile", "Raster File", false}, "/png/jpg/jpeg/gif/bmp/tif/tiff/webp/heic/ico/raw/"},
		{format{"AudioFile", "Audio File", false}, "/mp3/wav/flac/ogg/m4a/aac/opus/aiff/"},
		{format{"VideoFile", "Video File", false}, "/mp4/mkv/avi/mov/webm/mpg/mpeg/wmv/m4v/"},
		{format{"MediaFile", "Media File", false}, "/svg/eps/ai/dxf/stl/obj/gltf/glb/psd/"},
	} {
		if strings.Contains(f.extensions, extension) {
			return f.format
		}
	}
	return format{"DataFile", "Data File", false}
}

// extensionOf returns the text after the last dot of a name, in lower case. A
// leading dot marks a hidden name, not an extension.
func extensionOf(name string) string {
	name = strings.TrimLeft(name, ".")
	return strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))
}
