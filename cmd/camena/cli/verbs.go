package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/camena-io/camena/events"
)

// What several verbs have in common.
const (
	usageMerge  = "keep the properties that are not given"
	usageZone   = `a governance zone that it is a member of; may be given again; "" removes all`
	usageAnchor = "the element that it belongs to, by qualified name or guid"
)

// specFlags are the flags of what creates an element.
func specFlags(e *events.ElementSpec, u *events.UnknownProperties) []flag {
	return []flag{
		{"zone", "/element/zones", &e.Zones, usageZone},
		{"anchor", "/element/anchor", refOf(&e.Anchor), usageAnchor},
		unknown(u),
		{"guid", "/element/guid", &e.GUID, "its guid, for imports; default: derived from the qualified name"},
		{"classification", "/element/classifications", classificationsOf(&e.Classifications), "a classification without properties that it has; may be given again"},
	}
}

func unknown(u *events.UnknownProperties) flag {
	value := oneOf(u, "refuse", []string{"keep", "refuse"}, events.KeepUnknown, events.RefuseUnknown)
	return flag{"unknown", "/unknownProperties", value, "what happens to properties that the type does not have: keep puts them into additionalProperties"}
}

// elementVerbs are the verbs about elements and relationships.
func elementVerbs() []*verb {
	return slices.Concat(creatingVerbs(), updatingVerbs(), deletingVerbs(), movingVerbs(), copyingVerbs(), classifyingVerbs(), linkingVerbs())
}

func creatingVerbs() []*verb {
	create, upsert := &events.Create{}, &events.Upsert{}
	return []*verb{
		{
			use: "create TYPE [QUALIFIED_NAME]", command: create,
			long: `"upsert" also changes one that exists. Types that are not Referenceable need no name.`,
			example: `  camena elements create Topic Topic::returns --set displayName=returns
  camena elements create DataFile DataFile::c.csv --properties '{"displayName": "a"}' --zone sales --anchor FileFolder::in
  camena elements create Topic Topic::x --set color=red --unknown keep --dry-run`,
			args: []any{&create.Element.Type, &create.Element.QualifiedName}, flags: specFlags(&create.Element, &create.UnknownProperties),
			properties: []propertiesOf{{"set", "/element/properties", &create.Element.Properties, &create.Element.Type, false}},
			period:     "/element/effectivity", setPeriod: func(e events.Effectivity) { create.Element.Effectivity = &e },
		},
		{
			use: "upsert TYPE QUALIFIED_NAME", command: upsert,
			long: `Properties that are not given are removed, unless with --merge. Zones, classifications, anchor and
effectivity that are not given stay as they are.`,
			example: `  camena elements upsert Topic Topic::orders --set displayName=orders
  camena elements upsert Topic Topic::orders --merge --set description='All orders' --clear displayName`,
			args:       []any{&upsert.Element.Type, &upsert.Element.QualifiedName},
			flags:      append(specFlags(&upsert.Element, &upsert.UnknownProperties), flag{"merge", "/merge", &upsert.Merge, usageMerge}),
			properties: []propertiesOf{{"set", "/element/properties", &upsert.Element.Properties, &upsert.Element.Type, true}},
			period:     "/element/effectivity", setPeriod: func(e events.Effectivity) { upsert.Element.Effectivity = &e },
			check: func(args []string) error {
				return explain(events.CheckTypedName("/element/qualifiedName", args[1]))
			},
		},
	}
}

func updatingVerbs() []*verb {
	c := &events.Update{}
	return []*verb{
		{
			use: "update QUALIFIED_NAME|GUID", command: c,
			long: `A relationship is named by its guid. What is not given stays as it is, unless with --replace, which
removes the properties that are not given.`,
			example: `  camena elements update Topic::orders --set description='All orders' --clear displayName
  camena elements update Topic::orders --properties @topic.json --replace --expect-version 3
  camena elements update Topic::orders --effective-to 2027-01-01 --zone sales`,
			args: []any{&c.Element}, target: &c.Element,
			flags: []flag{
				{"zone", "/zones", &c.Zones, usageZone},
				unknown(&c.UnknownProperties),
				{"replace", "/replace", &c.Replace, "remove the properties that are not given"},
			},
			exclusive:  []string{"clear", "replace"},
			properties: []propertiesOf{{"set", "/properties", &c.Properties, nil, true}},
			period:     "/effectivity", setPeriod: func(e events.Effectivity) { c.Effectivity = &e },
			relationship: func() (events.Command, error) {
				if c.Zones != nil || c.UnknownProperties != "" {
					return nil, events.Errorf(events.CodeInvalid, "", "%s is a relationship: only elements take --zone and --unknown", c.Element.GUID)
				}
				return &events.UpdateRelationship{
					Relationship: events.RelationshipRef{GUID: c.Element.GUID}, Properties: c.Properties, Effectivity: c.Effectivity,
					Replace: c.Replace, Expectation: c.Expectation,
				}, nil
			},
		},
	}
}

func deletingVerbs() []*verb {
	c, restore := &events.Delete{}, &events.Restore{}
	methods := oneOf(&c.Method, "soft", []string{"archive", "purge", "soft"}, events.DeleteArchive, events.DeletePurge, events.DeleteSoft)
	return []*verb{
		{
			use: "delete QUALIFIED_NAME|GUID", command: c, args: []any{&c.Element},
			long: `The methods:

  soft     "camena elements restore" brings it back while its history is kept
  archive  it stays, classified as Memento; only lineage and questions with --archived find it
  purge    it is removed with its history, for good; the history of its former relationships stays

With --cascade, elements that are anchored to it are deleted too, whoever owns them. Without, an element with anchored
elements is not deleted, unless all these are archived.`,
			example: `  camena elements delete Topic::orders
  camena elements delete FileFolder::in --cascade --dry-run
  camena elements delete Topic::orders --method archive --archive-process clean-up`,
			flags: []flag{
				{"method", "/method", methods, "soft, archive or purge"},
				{"cascade", "/cascade", &c.Cascade, "also the elements that are anchored to it"},
				{"archive-process", "/archiveProcess", &c.ArchiveProcess, "the process that archives it, to be recorded"},
			},
			check: func([]string) error {
				if c.ArchiveProcess != "" && c.Method != events.DeleteArchive {
					return errors.New("--archive-process needs --method archive")
				}
				return nil
			},
		},
		{
			use: "restore QUALIFIED_NAME|GUID", command: restore, args: []any{&restore.Element},
			long: "What was deleted together with it is restored too: its relationships and, after --cascade, the elements anchored to it.",
			example: `  camena elements restore Topic::orders
  camena elements restore FileFolder::in --dry-run`,
			drops: "not restored, since it no longer fits",
		},
	}
}

func movingVerbs() []*verb {
	publish, withdraw, retype, rehome := &events.Publish{}, &events.Withdraw{}, &events.Retype{}, &events.Rehome{}
	return []*verb{
		{
			use: "publish QUALIFIED_NAME|GUID", command: publish, args: []any{&publish.Element},
			long:    "CAMENA_PUBLISH_ZONES of the repository names these zones; none are all zones.",
			example: `  camena elements publish Topic::orders`,
		},
		{
			use: "withdraw QUALIFIED_NAME|GUID", command: withdraw, args: []any{&withdraw.Element},
			long: `These are the zones of new elements: CAMENA_DEFAULT_ZONES of the repository. Where that is not set,
the element is in no zone, and so stays visible in all.`,
			example: `  camena elements withdraw Topic::orders`,
		},
		{
			use: "retype QUALIFIED_NAME|GUID TYPE", command: retype, args: []any{&retype.Element, &retype.Type},
			long:       "It keeps its guid, name, relationships, and the properties that the new type has too.",
			example:    `  camena elements retype DataFile::b.csv CSVFile --set 'delimiterCharacter=;'`,
			properties: []propertiesOf{{"set", "/properties", &retype.Properties, &retype.Type, true}},
			done:       "retyped to %s", drops: "dropped, since the new type has no such attribute",
		},
		{
			use: "rehome QUALIFIED_NAME|GUID", command: rehome, args: []any{&rehome.Element}, target: &rehome.Element,
			long: `A relationship is named by its guid. --from must be the present metadata source; "" is the repository
itself. Anybody may do this without --source; with it, only the present source may.`,
			example: `  camena elements rehome DataFile::a.csv --from IntegrationConnector::old --to IntegrationConnector::new
  camena elements rehome DataFile::a.csv --from IntegrationConnector::old     # for anybody to change
  camena elements rehome 7f0c2c4e-9a53-5d0b-8a51-2f4f1c6d8e90 --from IntegrationConnector::old`,
			flags: []flag{
				{"from", "/from", &rehome.From, "qualified name of the metadata source that it belongs to"},
				{"to", "/to", &rehome.To, "qualified name of the one that it is to belong to"},
			},
			relationship: func() (events.Command, error) {
				rehome.Relationship.GUID, rehome.Element = rehome.Element.GUID, events.ElementRef{}
				return rehome, nil
			},
		},
	}
}

func copyingVerbs() []*verb {
	c := &events.FromTemplate{}
	return []*verb{
		{
			use: "from-template TEMPLATE", command: c, args: []any{&c.Template}, target: &c.Template,
			long: `A template is an element that is classified as Template. Elements that are anchored to it are copied
too. ~{name}~ in texts is replaced by the placeholder of that name. The new element is linked to the template by
SourcedFrom, and is in the zones of new elements.`,
			example: `  camena elements from-template 'Server::~{host}~' --placeholder host=alpha --placeholder port=5432
  camena elements from-template 'Server::~{host}~' --name Server::main --placeholder host=alpha --placeholder port=5432 --retrieve`,
			flags: []flag{
				{"placeholder", "/placeholders", &c.Placeholders, "a placeholder, as name=value; may be given again"},
				{"name", "/qualifiedName", &c.QualifiedName, "qualified name of the new element; default: that of the template, with its placeholders"},
				{"guid", "/guid", &c.GUID, "its guid; default: derived from the qualified name"},
				{"anchor", "/anchor", refOf(&c.Anchor), usageAnchor},
				{"zone", "/zones", &c.Zones, `a governance zone of it and its parts; may be given again; "" for none; default: those of new elements`},
				{"retrieve", "/retrieve", &c.Retrieve, "take the element of that name as it is, if it exists"},
			},
			properties: []propertiesOf{{"set", "/properties", &c.Properties, nil, true}},
		},
	}
}

func classifyingVerbs() []*verb {
	c, declassify := &events.Classify{}, &events.Declassify{}
	return []*verb{
		{
			use: "classify QUALIFIED_NAME|GUID CLASSIFICATION", command: c, args: []any{&c.Element, &c.Classification.Name},
			long: `Its properties become those that are given; with --merge the others stay, as does the one of
--effective-from and --effective-to that is not given.`,
			example: `  camena elements classify Topic::orders Confidentiality --set levelIdentifier=2
  camena elements classify Topic::orders Confidentiality --merge --set notes='asked the owner'`,
			flags:      []flag{{"merge", "/merge", &c.Merge, usageMerge}},
			properties: []propertiesOf{{"set", "/classification/properties", &c.Classification.Properties, &c.Classification.Name, true}},
			period:     "/classification", setPeriod: func(e events.Effectivity) { c.Classification.Effectivity = e },
			done: "classified as %s",
		},
		{
			use:     "declassify QUALIFIED_NAME|GUID CLASSIFICATION",
			command: declassify, args: []any{&declassify.Element, &declassify.ClassificationName},
			example: `  camena elements declassify Topic::orders Confidentiality`,
			done:    "no longer classified as %s",
		},
	}
}

func linkingVerbs() []*verb {
	c, unlink := &events.Link{}, &events.Unlink{}
	return []*verb{
		{
			use: "link TYPE END1 END2", command: c, args: []any{&c.Relationship.Type, &c.Relationship.End1, &c.Relationship.End2},
			long: `The properties of the relationship become those that are given; with --merge the others stay. Ends are
named by qualified name or guid.`,
			example: `  camena elements link DataFlow Topic::orders Topic::invoices --set label=copies
  camena elements link DataFlow Topic::orders Topic::invoices --merge --set description='Every night'`,
			flags: []flag{
				{"merge", "/merge", &c.Merge, usageMerge},
				{"guid", "/relationship/guid", &c.Relationship.GUID, "the guid of the relationship, for imports and where there are several of the type"},
			},
			properties: []propertiesOf{{"set", "/relationship/properties", &c.Relationship.Properties, &c.Relationship.Type, true}},
			period:     "/relationship/effectivity", setPeriod: func(e events.Effectivity) { c.Relationship.Effectivity = &e },
		},
		{
			use: "unlink TYPE END1 END2 | GUID", command: unlink, args: []any{&unlink.Type, &unlink.End1, &unlink.End2},
			long: `One of several of the same type between the same two elements is named by its guid, which "camena
elements related -o json" shows.`,
			example: `  camena elements unlink DataFlow Topic::orders Topic::invoices
  camena elements unlink 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10`,
			check: func(args []string) error {
				switch {
				case len(args) == 2:
					return errors.New("END2 is missing")
				case len(args) == 3:
				case reference(args[0]).GUID == "":
					return fmt.Errorf("%q is no guid; name the relationship by type and ends, or by its guid", args[0])
				default:
					unlink.GUID, unlink.Type = args[0], ""
				}
				return nil
			},
		},
	}
}

// externalVerbs are the verbs about identifiers in other systems.
func externalVerbs() []*verb {
	add, remove, confirm := &events.LinkExternalID{}, &events.UnlinkExternalID{}, &events.ConfirmSynchronization{}
	externalID, externalIDLink := "ExternalId", "ExternalIdLink"
	at := pastOf(&confirm.Time, "confirm it then")
	const use = " QUALIFIED_NAME|GUID IDENTIFIER --scope QUALIFIED_NAME|GUID"
	return []*verb{
		{
			use: "add" + use, command: add, args: []any{&add.Element, &add.Identifier},
			long: `--set gives properties of the ExternalId, --link those of the ExternalIdLink. Several elements may
have one identifier; it belongs to the metadata source that created it.`,
			example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm \
    --set keyPattern=LOCAL_KEY --link permittedSynchronization=FROM_THIRD_PARTY --link 'mappingProperties={"table": "C"}'`,
			flags: scopeFlag(&add.Scope), required: []string{"scope"}, parts: true,
			properties: []propertiesOf{{"set", "/properties", &add.Properties, &externalID, false}, {"link", "/link", &add.Link, &externalIDLink, false}},
		},
		{
			use: "remove" + use, command: remove, args: []any{&remove.Element, &remove.Identifier},
			long:    `When no other element has the identifier, it is deleted, unless it belongs to another metadata source.`,
			example: `  camena elements external-id remove Person::17 4711 --scope SoftwareCapability::crm`,
			flags:   scopeFlag(&remove.Scope), required: []string{"scope"}, parts: true,
		},
		{
			use: "confirm" + use, command: confirm, args: []any{&confirm.Element, &confirm.Identifier},
			long: "What changes on either side after that (lastSynchronized) is newer.",
			example: `  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm --time 2026-05-01T08:00:00Z`,
			flags:    append(scopeFlag(&confirm.Scope), flag{"time", "/time", at, "when they were the same; default: now"}),
			required: []string{"scope"}, parts: true,
		},
	}
}

func scopeFlag(scope *events.ElementRef) []flag {
	return []flag{{"scope", "/scope", refOf(scope), "the element that stands for the system in which the identifier is valid"}}
}

func (p *program) externalIDCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "external-id", Short: "Record the identifiers by which other systems know an element",
		Long: `Record the identifiers by which other systems know an element. An identifier is valid in the scope of an
element that stands for the other system, such as a SoftwareCapability.`,
		Example: `  camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id confirm Person::17 4711 --scope SoftwareCapability::crm
  camena elements external-id resolve Person::17 4711 --scope SoftwareCapability::crm --winner third-party`,
	}
	for _, v := range append(externalVerbs(), resolveVerb()) {
		cmd.AddCommand(p.verbCommand(v))
	}
	return cmd
}
