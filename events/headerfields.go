package events

// The value types of what is in a header, beside the primitives.
const valueStrings = ValueArray + "<" + ValueString + ">"

// HeaderField is a path into a header that a [Condition] may name behind
// "header.", and the expression of the type of what stands there, as
// [ParseValueType] reads it.
type HeaderField struct{ Path, Type string }

// changeTime is the path of when something has changed last: its updateTime or,
// where it is as it was created, its createTime. It does not stand in the header.
const changeTime = "versions.changeTime"

// HeaderFields returns the paths into an [ElementHeader] that lead to values.
func HeaderFields() []HeaderField {
	return []HeaderField{
		{"guid", ValueString},
		{"qualifiedName", ValueString},
		{"type.typeName", ValueString},
		{"type.superTypeNames", valueStrings},
		{"versions.createdBy", ValueString},
		{"versions.createTime", ValueDate},
		{"versions.updatedBy", ValueString},
		{"versions.updateTime", ValueDate},
		{changeTime, ValueDate},
		{"versions.version", ValueLong},
		{"origin.originCategory", ValueString},
		{"origin.source", ValueString},
		{"origin.scope", ValueString},
		{"zones", valueStrings},
		{"anchorGUID", ValueString},
		{"effectiveFrom", ValueDate},
		{"effectiveTo", ValueDate},
	}
}
