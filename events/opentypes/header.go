package opentypes

import "github.com/camena-io/camena/events/query"

// headerFields returns the paths into an [events.ElementHeader] that lead to
// values. versions.changeTime is the updateTime or, if there is none, the
// createTime.
func headerFields() map[string]query.Value {
	text, date := query.Value{Kind: query.String}, query.Value{Kind: query.Time}
	list := query.Value{Kind: query.Array, Item: &text}
	return map[string]query.Value{
		"guid":                  text,
		"qualifiedName":         text,
		"type.typeName":         text,
		"type.superTypeNames":   list,
		"versions.createdBy":    text,
		"versions.createTime":   date,
		"versions.updatedBy":    text,
		"versions.updateTime":   date,
		"versions.changeTime":   date,
		"versions.version":      {Kind: query.Number},
		"origin.originCategory": text,
		"origin.source":         text,
		"origin.scope":          text,
		"zones":                 list,
		"anchorGUID":            text,
		"effectiveFrom":         date,
		"effectiveTo":           date,
	}
}
