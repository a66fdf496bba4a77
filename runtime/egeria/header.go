package egeria

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Header has the properties of an archive (Egeria: OpenMetadataArchiveProperties).
type Header struct {
	GUID        string    `json:"guid,omitempty"`
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	Type        string    `json:"type,omitempty"` // CONTENT_PACK or METADATA_EXPORT
	Version     string    `json:"version,omitempty"`
	Originator  string    `json:"originator,omitempty"`
	License     string    `json:"license,omitempty"`
	Created     time.Time `json:"created,omitzero"`
	// DependsOn are the guids of the archives to import before this one.
	DependsOn []string `json:"dependsOn,omitempty"`
}

// Source returns the metadata source that owns the elements of the archive, "" if the
// archive names none.
func (h *Header) Source() string { return cmp.Or(strings.TrimSpace(h.Name), strings.TrimSpace(h.GUID)) }

type wireHeader struct {
	GUID         string   `json:"archiveGUID"`
	Name         string   `json:"archiveName"`
	Description  string   `json:"archiveDescription"`
	Type         string   `json:"archiveType"`
	Version      string   `json:"archiveVersion"`
	Originator   string   `json:"originatorName"`
	Organization string   `json:"originatorOrganization"` // before there were licenses
	License      string   `json:"originatorLicense"`
	Created      instant  `json:"creationDate"`
	DependsOn    []string `json:"dependsOnArchives"`
}

func parseHeader(raw jsontext.Value) (Header, error) {
	var w wireHeader
	if err := json.Unmarshal(raw, &w); err != nil {
		return Header{}, err
	}
	return Header{
		GUID: w.GUID, Name: w.Name, Description: w.Description, Type: w.Type, Version: w.Version,
		Originator: cmp.Or(w.Originator, w.Organization), License: w.License, Created: w.Created.Time, DependsOn: w.DependsOn,
	}, nil
}

// instant is a time in the forms of Java: milliseconds since 1970, or ISO 8601.
type instant struct{ time.Time }

// UnmarshalJSONFrom reads a number or a string; null is no time.
func (i *instant) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	t, f := parseTime(raw)
	if f != nil {
		return f.below(string(dec.StackPointer()))
	}
	i.Time = t
	return nil
}

const notTime = "expected a date, as milliseconds since 1970 or as 2006-01-02T15:04:05Z, found "

func parseTime(raw jsontext.Value) (time.Time, *fault) {
	switch raw.Kind() {
	case 'n':
		return time.Time{}, nil
	case '0':
		millis, err := strconv.ParseInt(string(raw), 10, 64)
		t := time.UnixMilli(millis).UTC()
		if err != nil || t.Year() < 0 || t.Year() > 9999 {
			return time.Time{}, faultf("", notTime+"%s", short(string(raw)))
		}
		return t, nil
	case '"':
		text := unquote(raw)
		for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700", time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil && t.UTC().Year() >= 0 && t.UTC().Year() <= 9999 {
				return t.UTC(), nil
			}
		}
		return time.Time{}, faultf("", notTime+"%q", short(text))
	default:
		return time.Time{}, faultf("", notTime+"%s", kindName(raw.Kind()))
	}
}
