//! `#[derive(Wire)]`: how a message of `staking-api` is read in place; see `staking_api::read`.
//!
//! It understands the serde attributes that the messages use, and refuses others: `default` (with or without
//! a function), `rename`, `skip_serializing_if`, which has no meaning for reading, and `rename_all = "snake_case"`,
//! which is how variants are named here in any case.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{
    Attribute, Data, DataEnum, DeriveInput, Error, Expr, Field, Fields, Ident, LitStr, Result, Type, Variant,
};

/// Derives `Wire`, `Place` and `Deserialize` for a struct with named fields or an enum.
#[proc_macro_derive(Wire, attributes(serde))]
pub fn wire(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    expand(&input).unwrap_or_else(Error::into_compile_error).into()
}

fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "messages have no parameters"));
    }
    refuse_other_shapes(&input.attrs)?;
    let (blank, place) = match &input.data {
        Data::Struct(data) => of_struct(name, &Members::named(&data.fields)?),
        Data::Enum(data) => of_enum(name, data)?,
        Data::Union(_) => return Err(Error::new_spanned(name, "a union is no message")),
    };
    Ok(quote! {
        impl ::staking_api::read::Wire for #name {
            fn blank() -> Self { #blank }
        }
        impl ::staking_api::read::Place for #name { #place }
        impl<'de> ::serde::Deserialize<'de> for #name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
                ::staking_api::read::read(deserializer)
            }
        }
    })
}

/// A type says nothing of how it is written but that its variants are in snake case.
fn refuse_other_shapes(attributes: &[Attribute]) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename_all") && meta.value()?.parse::<LitStr>()?.value() == "snake_case" {
                return Ok(());
            }
            Err(meta.error("not understood by derive(Wire)"))
        })?;
    }
    Ok(())
}

/// Named fields: how each is called here and on the wire, and what it is without a value.
struct Members<'a> {
    idents: Vec<&'a Ident>,
    types: Vec<&'a Type>,
    names: Vec<String>,
    blanks: Vec<TokenStream>,
    /// Whether the field may be absent whatever its type.
    defaults: Vec<bool>,
}

impl<'a> Members<'a> {
    fn named(fields: &'a Fields) -> Result<Self> {
        let mut all = Self { idents: vec![], types: vec![], names: vec![], blanks: vec![], defaults: vec![] };
        for field in fields {
            let Some(ident) = &field.ident else {
                return Err(Error::new_spanned(field, "fields of a message have names"));
            };
            let said = Said::of(field)?;
            all.defaults.push(said.default.is_some());
            all.blanks.push(said.default.unwrap_or(quote!(::staking_api::read::Wire::blank())));
            all.names.push(said.rename.unwrap_or_else(|| ident.to_string()));
            all.idents.push(ident);
            all.types.push(&field.ty);
        }
        Ok(all)
    }

    /// `{ field: blank, … }`
    fn blank(&self) -> TokenStream {
        let (idents, blanks) = (&self.idents, &self.blanks);
        quote!({ #(#idents: #blanks),* })
    }

    /// The `Fields` constant.
    fn outline(&self) -> TokenStream {
        let (names, types, defaults) = (&self.names, &self.types, &self.defaults);
        let bits = 0..names.len();
        quote! {
            ::staking_api::read::Fields {
                names: &[#(#names),*],
                required: 0 #(| if #defaults || <#types as ::staking_api::read::Wire>::OPTIONAL { 0 } else { 1 << #bits })*,
            }
        }
    }
}

/// What a field's serde attributes say about reading it.
#[derive(Default)]
struct Said {
    default: Option<TokenStream>,
    rename: Option<String>,
}

impl Said {
    fn of(field: &Field) -> Result<Self> {
        let mut said = Self::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("default") {
                    said.default = Some(match meta.value() {
                        Ok(path) => {
                            let function: Expr = path.parse::<LitStr>()?.parse()?;
                            quote!(#function())
                        }
                        Err(_) => quote!(::core::default::Default::default()),
                    });
                } else if meta.path.is_ident("rename") {
                    said.rename = Some(meta.value()?.parse::<LitStr>()?.value());
                } else if meta.path.is_ident("skip_serializing_if") {
                    meta.value()?.parse::<LitStr>()?;
                } else {
                    return Err(meta.error("not understood by derive(Wire)"));
                }
                Ok(())
            })?;
        }
        Ok(said)
    }
}

fn of_struct(name: &Ident, members: &Members<'_>) -> (TokenStream, TokenStream) {
    let (blank, fields) = (members.blank(), members.outline());
    let (idents, indices) = (&members.idents, 0..members.idents.len());
    let place = quote! {
        fn outline(&self) -> &'static ::staking_api::read::Outline {
            const OUTLINE: &::staking_api::read::Outline = &::staking_api::read::Outline::Struct(#fields);
            OUTLINE
        }
        fn part(&mut self, index: usize) -> Option<&mut dyn ::staking_api::read::Place> {
            match index {
                #(#indices => Some(&mut self.#idents),)*
                _ => None,
            }
        }
    };
    (quote!(#name #blank), place)
}

fn of_enum(name: &Ident, data: &DataEnum) -> Result<(TokenStream, TokenStream)> {
    let (mut outlines, mut blanks, mut parts) = (vec![], vec![], vec![]);
    for variant in &data.variants {
        let (content, blank, part) = of_variant(variant)?;
        let (ident, wire) = (&variant.ident, snake_case(&variant.ident));
        outlines.push(quote!(::staking_api::read::Variant { name: #wire, content: ::staking_api::read::Content::#content }));
        blanks.push(quote!(#name::#ident #blank));
        parts.push(quote!(#name::#ident #part));
    }
    let Some(first) = blanks.first() else {
        return Err(Error::new_spanned(name, "an enum without variants is no message"));
    };
    let indices = 0..blanks.len();
    let place = quote! {
        fn outline(&self) -> &'static ::staking_api::read::Outline {
            const OUTLINE: &::staking_api::read::Outline = &::staking_api::read::Outline::Enum(&[#(#outlines),*]);
            OUTLINE
        }
        fn begin(&mut self, variant: usize) {
            *self = match variant {
                #(#indices => #blanks,)*
                _ => return,
            };
        }
        fn part(&mut self, index: usize) -> Option<&mut dyn ::staking_api::read::Place> {
            match self { #(#parts),* }
        }
    };
    Ok((first.clone(), place))
}

/// Content of a variant: its outline, a blank of it, and the arm of `part`.
fn of_variant(variant: &Variant) -> Result<(TokenStream, TokenStream, TokenStream)> {
    Ok(match &variant.fields {
        Fields::Unit => (quote!(Unit), quote!(), quote!(=> None)),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => (
            quote!(Value),
            quote!((::staking_api::read::Wire::blank())),
            quote!((value) => (index == 0).then_some(value as _)),
        ),
        Fields::Unnamed(fields) => return Err(Error::new_spanned(fields, "one unnamed field at most")),
        Fields::Named(_) => {
            let members = Members::named(&variant.fields)?;
            let (idents, indices, outline) = (&members.idents, 0..members.idents.len(), members.outline());
            let names: Vec<Ident> = idents.iter().map(|ident| format_ident!("at_{ident}")).collect();
            let part = quote! {
                { #(#idents: #names),* } => match index {
                    #(#indices => Some(#names),)*
                    _ => None,
                }
            };
            (quote!(Fields(#outline)), members.blank(), part)
        }
    })
}

/// As serde does it: every capital but the first begins a word.
fn snake_case(ident: &Ident) -> String {
    let mut out = String::new();
    for (at, letter) in ident.to_string().char_indices() {
        if letter.is_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
