package spi

import (
	"strconv"
	"strings"

	"github.com/camena-io/camena/events"
)

// VersionHeader is the header that lists the versions that a gateway supports.
const VersionHeader = "I2-Spi-Versions"

// Version is a version of the SPI.
type Version struct{ Major, Minor int }

// Supported returns the versions that are supported: the latest of each major one,
// which includes those before it.
func Supported() []Version { return []Version{{1, 4}} }

// SupportedHeader is the value of [VersionHeader].
func SupportedHeader() string {
	texts := make([]string, len(Supported()))
	for i, v := range Supported() {
		texts[i] = v.String()
	}
	return strings.Join(texts, ",")
}

// ParseVersion reads a version such as 1.4.
func ParseVersion(text string) (Version, error) {
	major, minor, ok := strings.Cut(text, ".")
	m, majorErr := strconv.ParseUint(major, 10, 16)
	n, minorErr := strconv.ParseUint(minor, 10, 16)
	if !ok || majorErr != nil || minorErr != nil {
		return Version{}, events.Errorf(events.CodeInvalid, "/version", "%q is no version of the SPI such as 1.4", text)
	}
	return Version{int(m), int(n)}, nil
}

// String returns the version as text.
func (v Version) String() string { return strconv.Itoa(v.Major) + "." + strconv.Itoa(v.Minor) }

// Within reports whether one of the versions includes it.
func (v Version) Within(versions []Version) bool {
	for _, latest := range versions {
		if v.Major == latest.Major && v.Minor <= latest.Minor {
			return true
		}
	}
	return false
}

// ParseVersions reads the value of [VersionHeader].
func ParseVersions(header string) ([]Version, error) {
	var all []Version
	for text := range strings.SplitSeq(header, ",") {
		v, err := ParseVersion(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// Negotiate returns the version that the connector of a configuration requires, 1.0
// if it does not say. A version that is not supported is an error.
func (c *Config) Negotiate() (Version, error) {
	if c.Version == nil {
		return Version{1, 0}, nil
	}
	v, err := ParseVersion(*c.Version)
	if err == nil && !v.Within(Supported()) {
		err = events.Errorf(events.CodeUnsupported, "/version", "the connector requires version %s of the SPI; supported: %s", v, SupportedHeader())
	}
	return v, err
}
